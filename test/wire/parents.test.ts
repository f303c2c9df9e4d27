import assert from 'node:assert/strict'
import type { ClientHttp2Session } from 'node:http2'
import type { Socket } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { WebSocketServer } from 'ws'
import { testAuthority } from '../support/authority.ts'
import { startOrigin, type Origin } from '../support/origin.ts'
import { startParent, type ParentKind, type ParentServer } from '../support/parents.ts'
import { scriptedOrigin } from '../support/scripted-origin.ts'
import { installSallyport } from '../support/sallyport.ts'
import { startStage, type Stage } from '../support/stage.ts'

const authority = testAuthority()
const identity = authority.issue(['127.0.0.1'])
const user = 'ana@corp'
const password = 'p@ss:w/rd ü'
const policies = {
  'a.yaml': {
    intercept: [
      { hosts: ['tunnel.test', '203.0.113.7', '2001:db9::7'], action: 'tunnel' },
      { hosts: ['*'], action: 'inspect' },
    ],
  },
}

for (const kind of ['http', 'https', 'socks5'] as const) describe(`behind a parent of ${kind}`, () => behind(kind))

function behind(kind: ParentKind): void {
  let parent: ParentServer
  let stage: Stage
  let plain: Origin
  const sockets = new WebSocketServer({ noServer: true })

  before(async () => {
    parent = await startParent(kind, { identity, user, password })
    stage = await startStage((seen, response) => void response.end(`${seen.method} ${seen.version}`), {
      hosts: ['a.test', 'tunnel.test'],
      authority,
      config: { upstream: { proxy: parent.url } },
      policies,
      origin: { onUpgrade: (request, socket, head) => sockets.handleUpgrade(request, socket as Socket, head, echo) },
    })
    plain = await startOrigin((seen, response) => void response.end(`${seen.method} ${seen.url} ${seen.text()}`))
    for (const name of ['a.test:443', 'tunnel.test:443', '203.0.113.7:443', '[2001:db9::7]:443'])
      parent.routes.set(name, stage.origin.address)
    parent.routes.set('[20010db9000000000000000000000007]:443', stage.origin.address)
    for (const name of ['plain.test:80', 'plain.test:8080']) parent.routes.set(name, plain.address)
  })
  after(async () => {
    await stage[Symbol.asyncDispose]()
    await plain.close()
    parent.close()
  })

  test('HTTP/1.1 passes, the name unresolved, over a kept connection', async () => {
    const client = await stage.connect('a.test')
    for (let i = 0; i < 2; i += 1) {
      client.send('GET /one HTTP/1.1\r\nHost: a.test\r\n\r\n')
      assert.equal((await client.answer()).body, 'GET 1.1')
    }
    assert.deepEqual(parent.asked.splice(0), ['a.test:443'])
    assert.equal(stage.origin.seen[0]?.header('proxy-authorization'), undefined)
    client.close()
  })

  test('HTTP/2 passes, in one tunnel', async () => {
    const session = await stage.http2('a.test')
    assert.deepEqual(await Promise.all([1, 2].map(() => get(session))), ['GET 2', 'GET 2'])
    session.destroy()
    assert.deepEqual(parent.asked.splice(0), ['a.test:443'])
  })

  test('a WebSocket passes', async () => {
    const client = await stage.connect('a.test')
    client.send(
      'GET /ws HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    )
    assert.match(await client.until('\r\n\r\n'), /^HTTP\/1\.1 101 /)
    client.send(Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0x68, 0x69]))
    assert.equal(await client.until(4), '\x81\x02hi')
    client.close()
    assert.equal(parent.asked.splice(0).at(-1), 'a.test:443')
  })

  test('a tunnel passes the same bytes, and its row is that of a tunnel', async () => {
    const client = await stage.connect('tunnel.test', { ca: authority.cert })
    client.send('GET /in-tunnel HTTP/1.1\r\nHost: tunnel.test\r\nConnection: close\r\n\r\n')
    assert.equal((await client.answer()).body, 'GET 1.1')
    client.close()
    const row = await stage.row('connections', (one) => one['host'] === 'tunnel.test')
    assert.deepEqual([row['handling'], row['error']], ['tunnel', null])
    assert.deepEqual(parent.asked.splice(0), ['tunnel.test:443'])
  })

  test('plain HTTP passes, without our credentials at the origin', async () => {
    const client = await stage.raw()
    client.send('POST http://plain.test:8080/x?y=1 HTTP/1.1\r\nHost: other.test\r\nContent-Length: 3\r\n\r\nabc')
    assert.equal((await client.answer()).body, 'POST /x?y=1 abc')
    client.send('GET http://plain.test HTTP/1.1\r\nHost: plain.test\r\n\r\n')
    assert.equal((await client.answer()).body, 'GET / ')
    client.close()
    const asked =
      kind === 'socks5'
        ? ['plain.test:8080', 'plain.test:80']
        : ['POST http://plain.test:8080/x?y=1 HTTP/1.1', 'GET http://plain.test/ HTTP/1.1']
    assert.deepEqual(parent.asked.splice(0), asked)
    assert.equal(plain.seen[0]?.header('host'), 'plain.test:8080')
    assert.equal(plain.seen[0]?.header('proxy-authorization'), undefined)
  })

  test('an address that may not be dialled is not asked of the parent either', async () => {
    for (const target of ['127.0.0.1:443', '[::ffff:7f00:1]:443', 'localhost:443', 'x.localhost:443']) {
      const client = await stage.raw()
      client.send(`CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n\r\n`)
      const answer = await client.answer()
      assert.deepEqual([answer.status, answer.header('sallyport-error')], [403, 'address_not_allowed'], target)
    }
    const client = await stage.raw()
    client.send('GET http://10.0.0.1/ HTTP/1.1\r\nHost: 10.0.0.1\r\n\r\n')
    assert.equal((await client.answer()).header('sallyport-error'), 'address_not_allowed')
    client.close()
    assert.deepEqual(parent.asked.splice(0), [])
  })

  test('a name that the parent does not know is its refusal, and the credentials are told nowhere', async () => {
    const client = await stage.connect('unknown.test')
    client.send('GET /unknown HTTP/1.1\r\nHost: unknown.test\r\n\r\n')
    const answer = await client.answer()
    assert.deepEqual([answer.status, answer.header('sallyport-error')], [502, 'parent_proxy_failed'])
    assert.match(answer.body, kind === 'socks5' ? /host unreachable/ : /502 Bad Gateway/)
    client.close()
    assert.equal((await stage.exchange('/unknown'))['error'], 'parent_proxy_failed')
    assert.deepEqual(stage.sallyport.filesWith(password), [stage.sallyport.file])
    assert.ok(!stage.sallyport.log().includes(encodeURIComponent(password)))
    parent.asked.splice(0)
  })

  if (kind === 'socks5') return
  test('an IPv6 target stands in brackets, and the password goes as RFC 7617 says', async () => {
    const client = await stage.raw()
    client.send('CONNECT [2001:DB9::7]:443 HTTP/1.1\r\nHost: x\r\n\r\n')
    await client.until('\r\n\r\n')
    client.close()
    assert.deepEqual(parent.asked.splice(0), ['[2001:db9::7]:443'])
    const basic = Buffer.from(`${user}:${password}`).toString('base64')
    assert.equal(
      parent.heads.at(-1)?.replace(/\r\nSallyport-Via: [0-9a-f]{16}\r\n/, '\r\n'),
      `CONNECT [2001:db9::7]:443 HTTP/1.1\r\nHost: [2001:db9::7]:443\r\nProxy-Authorization: Basic ${basic}\r\n\r\n`,
    )
  })
}

describe('where there is a parent', () => {
  let parent: ParentServer
  let stage: Stage
  let plain: Origin
  const sockets = new WebSocketServer({ noServer: true })

  before(async () => {
    plain = await startOrigin((_seen, response) => void response.end('plain'), {
      onUpgrade: (request, socket, head) => sockets.handleUpgrade(request, socket as Socket, head, echo),
    })
    parent = await startParent('http')
    parent.routes.set('plain.test:80', plain.address)
    stage = await startStage((_seen, response) => void response.end('direct'), {
      hosts: ['a.test', 'x.direct.test'],
      authority,
      config: { upstream: { proxy: parent.url, noProxy: ['.direct.test', '127.0.0.0/8'] } },
      policies,
    })
  })
  after(async () => {
    await stage[Symbol.asyncDispose]()
    await plain.close()
    parent.close()
  })

  test('what is excepted from it is dialled directly, and guarded', async () => {
    const client = await stage.connect('x.direct.test')
    client.send('GET / HTTP/1.1\r\nHost: x.direct.test\r\n\r\n')
    assert.equal((await client.answer()).body, 'direct')
    client.close()
    const raw = await stage.raw()
    raw.send('CONNECT 127.0.0.1:443 HTTP/1.1\r\nHost: x\r\n\r\n')
    assert.equal((await raw.answer()).header('sallyport-error'), 'address_not_allowed')
    assert.deepEqual(parent.asked.splice(0), [])
  })

  test('a plain WebSocket goes through a tunnel', async () => {
    const client = await stage.raw()
    client.send(
      'GET http://plain.test/ws HTTP/1.1\r\nHost: plain.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    )
    assert.match(await client.until('\r\n\r\n'), /^HTTP\/1\.1 101 /)
    client.close()
    assert.deepEqual(parent.asked.splice(0), ['plain.test:80'])
  })

  test('a server that speaks first is heard at once, and half-closes pass', async () => {
    await using greeter = await scriptedOrigin(
      async (peer) => {
        peer.send('SSH-2.0-x\r\n')
        peer.send(`you said ${await peer.rest()}`)
        peer.end()
      },
      { allowHalfOpen: true },
    )
    parent.routes.set('tunnel.test:22', `127.0.0.1:${greeter.port}`)
    const client = await stage.raw()
    client.socket.allowHalfOpen = true
    client.send('CONNECT tunnel.test:22 HTTP/1.1\r\nHost: x\r\n\r\n')
    await client.until('\r\n\r\n')
    assert.equal(await client.until('\r\n'), 'SSH-2.0-x\r\n')
    client.send('bye')
    client.end()
    assert.equal(await client.rest(), 'you said bye')
    assert.deepEqual(parent.asked.splice(0), ['tunnel.test:22'])
  })

  test('`config show` and `doctor` mask its credentials', async () => {
    const sallyport = await installSallyport({
      config: { upstream: { proxy: `http://${user.replace('@', '%40')}:s3cr3t-pw@127.0.0.1:1` } },
    })
    for (const args of [
      ['config', 'show'],
      ['config', 'show', '--json'],
      ['doctor'],
      ['doctor', '--json'],
      ['config', 'check'],
    ]) {
      const { stdout, stderr } = await sallyport.run(args)
      assert.doesNotMatch(stdout + stderr, /s3cr3t-pw|ana%40corp/, args.join(' '))
      if (args[1] === 'show') assert.match(stdout, /http:\/\/\*\*\*@127\.0\.0\.1:1/)
    }
  })
})

const echo = (socket: {
  on: (event: 'message', heard: (data: Buffer, binary: boolean) => void) => void
  send: (data: string) => void
}): void => socket.on('message', (data) => socket.send(data.toString()))

async function get(session: ClientHttp2Session): Promise<string> {
  const stream = session.request({ ':path': '/two' })
  return Buffer.concat(await Array.fromAsync(stream as AsyncIterable<Buffer>)).toString()
}
