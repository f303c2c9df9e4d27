import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { after, before, test } from 'node:test'
import { createMetrics } from '../../src/metrics/metrics.ts'
import type { Connecting } from '../../src/proxy/connecting.ts'
import { relayed } from '../../src/proxy/tunnel.ts'
import { helloOf } from '../support/redirected.ts'
import { startStage, type Stage } from '../support/stage.ts'

let stage: Stage
let echo: ReturnType<typeof createServer>

before(async () => {
  // A server that is no TLS server: it greets, then gives back what it gets.
  echo = createServer((socket) => void socket.on('error', () => {}).write('hi\n', () => socket.pipe(socket)))
  echo.listen(0, '127.0.0.1')
  await once(echo, 'listening')
  const address = `127.0.0.1:${(echo.address() as AddressInfo).port}`
  stage = await startStage((seen, response) => void response.end(`${seen.method} ${seen.url}`), {
    hosts: ['tunnel.test'],
    origins: { 'greets.test:25': { address } },
    policies: { '10-test.yaml': { intercept: [{ hosts: ['tunnel.test', 'greets.test'], action: 'tunnel' }] } },
  })
})

after(async () => {
  await stage[Symbol.asyncDispose]()
  echo.close()
})

test('in a tunnel the server may speak first, and bytes are counted both ways', async () => {
  const client = await stage.raw()
  client.send('CONNECT greets.test:25 HTTP/1.1\r\nHost: greets.test\r\n\r\n')
  await client.until('\r\n\r\n')
  assert.equal(await client.until(3), 'hi\n')
  client.send('EHLO me\r\n')
  assert.equal(await client.until(9), 'EHLO me\r\n')
  client.end()
  await client.rest()
  const row = await stage.row('connections', (one) => one['host'] === 'greets.test')
  assert.deepEqual([row['handling'], row['bytes_up'], row['bytes_down'], row['error']], ['tunnel', 9, 12, null])
})

test('a tunnelled connection shows the certificate of the origin', async () => {
  const client = await stage.connect('tunnel.test', { ca: stage.authority.cert })
  client.send('GET /tunnelled HTTP/1.1\r\nHost: tunnel.test\r\nConnection: close\r\n\r\n')
  assert.equal((await client.answer()).body, 'GET /tunnelled')
  client.close()
  const row = await stage.row('connections', (one) => one['host'] === 'tunnel.test' && one['handling'] === 'tunnel')
  assert.equal(row['sni'], 'tunnel.test')
  assert.ok(!stage.sallyport.rows('exchanges').some((one) => one['path'] === '/tunnelled'))
})

/** Bytes through a tunnel to the greeting server's silent sister, in pieces; what its row says in the end, and what has arrived. */
async function tunnelled(act: (client: Socket, late: Promise<unknown>) => Promise<void>) {
  let arrived = 0
  const sink = createServer(
    (socket) => void socket.on('error', () => {}).on('data', ({ length }) => (arrived += length)),
  )
  const door = createServer()
  for (const server of [sink, door]) await once(server.listen(0, '127.0.0.1'), 'listening')
  const client = connect((door.address() as AddressInfo).port, '127.0.0.1')
    .on('error', () => {})
    .resume()
  const [socket] = (await once(door, 'connection')) as [Socket]
  const handshakeTimeoutMs = 100
  const row: Record<string, unknown> = { handling: 'tunnel' }
  const done = relayed({
    parts: {
      connector: { tcp: async () => connect((sink.address() as AddressInfo).port, '127.0.0.1') },
      metrics: createMetrics(),
      handshakeTimeoutMs,
    },
    outer: { socket },
    authority: { host: 'tunnel.test', port: 443 },
    record: { set: (fields: object) => void Object.assign(row, fields), carried: () => {}, end: () => {} },
    decideAgain: (sni: string) => (sni === 'other.test' ? { kind: 'deny', reason: 'mismatch' } : { kind: 'tunnel' }),
    establish: () => {},
  } as unknown as Connecting)
  try {
    await act(client, new Promise((resolve) => setTimeout(resolve, 4 * handshakeTimeoutMs)))
    await done
  } finally {
    client.destroy()
    for (const server of [sink, door]) server.close()
  }
  return { handling: row['handling'], reason: row['reason'], arrived }
}

test('a client that is silent at first may not name another host later', async () => {
  const hello = await helloOf({ servername: 'other.test' })
  const denied = await tunnelled(async (client, late) => {
    await late
    client.write(hello)
    await once(client, 'close')
  })
  assert.deepEqual(denied, { handling: 'deny', reason: 'mismatch', arrived: 0 })
})

test('a hello that cannot be read, or whose rest does not come in time, is denied', async () => {
  const hello = await helloOf({ servername: 'other.test' })
  // An empty record before it is no ClientHello (RFC 8446, 5.1), and servers skip it.
  const unreadable = Buffer.concat([Buffer.from('1603010000', 'hex'), hello])
  for (const [bytes, reason] of [
    [hello.subarray(0, 3), 'no whole ClientHello in time'],
    [unreadable, 'not a valid ClientHello'],
  ] as const) {
    const denied = await tunnelled(async (client) => void client.write(bytes))
    assert.deepEqual(denied, { handling: 'deny', reason, arrived: 0 })
  }
})
