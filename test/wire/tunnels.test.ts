import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { after, before, test } from 'node:test'
import { startStage, type Stage } from '../support/stage.ts'

let stage: Stage
let server: Server
let onSocket: (socket: Socket) => void = () => {}

before(async () => {
  server = createServer({ allowHalfOpen: true }, (socket) => onSocket(socket.on('error', () => {})))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const plain = { address: `127.0.0.1:${(server.address() as AddressInfo).port}` }
  stage = await startStage(() => {}, {
    hosts: ['inspected.test'],
    origins: { 'tunnel.test:99': plain, 'other.test:99': plain },
    policies: {
      'a.yaml': {
        notTls: 'tunnel',
        intercept: [
          { hosts: ['tunnel.test'], action: 'tunnel' },
          { hosts: ['*.test'], action: 'inspect' },
        ],
        rules: [
          {
            name: 'not from here',
            hook: 'ip-access',
            options: { deny: ['127.0.0.0/8'] },
            when: { host: 'guarded.test' },
          },
        ],
      },
    },
  })
})

after(async () => {
  await stage[Symbol.asyncDispose]()
  server.close()
})

async function tunnel(host: string) {
  const client = await stage.raw()
  client.send(`CONNECT ${host}:99 HTTP/1.1\r\nHost: ${host}:99\r\n\r\n`)
  assert.match(await client.until('\r\n\r\n'), /^HTTP\/1\.1 200 /)
  return client
}

test('a client that has said all it wants still gets the answer', async () => {
  onSocket = (socket) => {
    let heard = ''
    socket.on('data', (chunk: Buffer) => (heard += chunk.toString()))
    socket.on('end', () => socket.end(`you said ${heard}`))
  }
  const client = await tunnel('tunnel.test')
  client.socket.allowHalfOpen = true
  client.send('\x01hello')
  client.end()
  assert.equal(await client.rest(), 'you said \x01hello')
  const row = await stage.row('connections', (one) => one['bytes_up'] === 6)
  assert.deepEqual([row['handling'], row['bytes_down']], ['tunnel', 15])
})

test('a server that has said all it wants still hears the client', async () => {
  const heard = new Promise<string>((resolve) => {
    onSocket = (socket) => {
      let text = ''
      socket.on('data', (chunk: Buffer) => (text += chunk.toString())).on('end', () => resolve(text))
      socket.end('bye')
    }
  })
  const client = await tunnel('tunnel.test')
  client.socket.allowHalfOpen = true
  assert.equal(await client.until(3), 'bye')
  client.send('\x01still here')
  client.end()
  assert.equal(await heard, '\x01still here')
})

test('a reset on one side ends the other', async () => {
  const ended = new Promise<void>((resolve) => {
    onSocket = (socket) => {
      socket.on('close', () => resolve()).resume()
      socket.write('hi')
    }
  })
  const client = await tunnel('tunnel.test')
  await client.until(2)
  client.reset()
  await ended
  onSocket = (socket) => {
    socket.write('hi', () => socket.once('data', () => socket.resetAndDestroy()))
  }
  const other = await tunnel('tunnel.test')
  await other.until(2)
  other.send('x')
  await other.rest()
})

test('what is neither TLS nor HTTP passes an inspected host where policy lets it, and its row says why', async () => {
  onSocket = (socket) => socket.once('data', (chunk: Buffer) => socket.end(`got ${chunk.toString()}`))
  const client = await tunnel('other.test')
  client.send('\x01\x02\x03 not TLS')
  assert.equal(await client.rest(), 'got \x01\x02\x03 not TLS')
  client.close()
  const row = await stage.row('connections', (one) => one['host'] === 'other.test')
  assert.deepEqual([row['handling'], row['reason']], ['tunnel', 'not TLS'])
})

test('where bytes that are no TLS may pass unread, a rule about tunnels is asked before anything is known of them', async () => {
  const client = await stage.raw()
  client.send('CONNECT guarded.test:99 HTTP/1.1\r\nHost: guarded.test:99\r\n\r\n')
  const answer = await client.answer()
  assert.deepEqual([answer.status, answer.header('sallyport-error')], [403, 'policy_denied'])
  const row = await stage.row('connections', (one) => one['host'] === 'guarded.test')
  assert.deepEqual([row['handling'], row['reason']], ['deny', 'refused by the policy rule "not from here"'])
})

test('megabytes pass a tunnel unchanged, both ways at once', async () => {
  onSocket = (socket) => socket.pipe(socket)
  const client = await tunnel('tunnel.test')
  const sent = Buffer.alloc(8 * 2 ** 20, 'abcdefg')
  client.send(Buffer.concat([Buffer.from([1]), sent]))
  const back = await client.until(sent.length + 1)
  assert.ok(Buffer.from(back.slice(1), 'latin1').equals(sent))
  client.close()
})

test('CONNECT inside a CONNECT is refused', async () => {
  const client = await stage.connect('inspected.test')
  client.send('CONNECT other.test:99 HTTP/1.1\r\nHost: other.test:99\r\n\r\n')
  const answer = await client.answer()
  assert.deepEqual([answer.status, answer.header('sallyport-error')], [405, 'connect_in_tunnel'])
  await client.rest()
})
