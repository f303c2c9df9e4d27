import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { test } from 'node:test'
import { connect as connectTls, createSecureContext } from 'node:tls'
import { SallyportError } from '../../src/core/errors.ts'
import { newConnectionId } from '../../src/core/ids.ts'
import type { Connection } from '../../src/proxy/context.ts'
import { begun, tcpOf, turnedAway } from '../../src/proxy/secure.ts'
import { testAuthority } from '../support/authority.ts'

const authority = testAuthority('Doors')
const context = createSecureContext(authority.issue(['gate.example']))
const tls = { context: () => context, asksClients: false }
const time = { firstByteMs: 10_000, handshakeMs: 10_000 }

/** Both ends of a connection. */
async function pair(t: test.TestContext): Promise<{ client: Socket; accepted: Socket; port: number }> {
  const server = createServer()
  t.after(() => server.close())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const client = connect({ port, host: '127.0.0.1', noDelay: true })
  client.on('error', () => undefined)
  const [accepted] = (await once(server, 'connection')) as [Socket]
  accepted.on('error', () => undefined)
  t.after(() => {
    client.destroy()
    accepted.destroy()
  })
  return { client, accepted, port }
}

function connectionOf(socket: Socket): Connection {
  const at = new Date()
  const id = newConnectionId(at.getTime())
  return { id, at, startedAt: 0, clientIp: '127.0.0.1', socket, tunnel: null, challenges: 0, exchanges: 0 }
}

test('a connection that does not begin as TLS is left as it came, with its bytes unread', async (t) => {
  const { client, accepted } = await pair(t)
  const connection = connectionOf(accepted)
  const ready = begun(connection, tls, time)
  client.write('GET / HTTP/1.1\r\n')
  assert.equal(await ready, connection)
  accepted.resume()
  assert.equal(String((await once(accepted, 'data'))[0]), 'GET / HTTP/1.1\r\n')
})

test('a connection that begins as TLS speaks it, also when its hello comes in single bytes', async (t) => {
  const { client, accepted } = await pair(t)
  const ready = begun(connectionOf(accepted), tls, time)
  const { Duplex } = await import('node:stream')
  const under = new Duplex({
    read: () => void client.resume(),
    write: (chunk: Buffer, _encoding, done) => {
      let at = 0
      const next = (): void => {
        if (at === chunk.length) return done()
        client.write(chunk.subarray(at, (at += 1)))
        setImmediate(next)
      }
      next()
    },
  })
  client.on('data', (chunk) => void under.push(chunk))
  const secured = connectTls({ socket: under, ca: authority.cert, servername: 'gate.example' })
  secured.write('hello')
  const connection = await ready
  assert.ok(connection !== undefined)
  assert.deepEqual([tcpOf(connection), connection.secure?.name], [accepted, 'gate.example'])
  assert.deepEqual(connection.secure?.certificate, { kind: 'none' })
  connection.socket.resume()
  assert.equal(String((await once(connection.socket, 'data'))[0]), 'hello')
})

const ends: [what: string, send: (client: Socket) => void, limits: typeof time, refusal: Connection['refusal']][] = [
  ['says nothing', () => {}, { ...time, firstByteMs: 20 }, { code: 'request_timeout', message: 'no byte in time' }],
  ['goes without a word', (client) => client.end(), time, undefined],
  [
    'begins TLS and falls silent',
    (client) => client.write(Buffer.from([0x16, 3, 1])),
    { ...time, handshakeMs: 20 },
    { code: 'ETIMEDOUT', message: 'TLS to the proxy: timeout' },
  ],
  [
    'begins TLS and goes on otherwise',
    (client) => client.write(Buffer.from('\x16GET / HTTP/1.1\r\n\r\n')),
    time,
    { code: 'ERR_SSL_WRONG_VERSION_NUMBER', message: 'TLS to the proxy: version' },
  ],
]

for (const [what, send, limits, refusal] of ends) {
  test(`a connection that ${what} is not served, and ends`, async (t) => {
    const { client, accepted } = await pair(t)
    const closed = once(accepted, 'close')
    const connection = connectionOf(accepted)
    const ready = begun(connection, tls, limits)
    client.resume()
    send(client)
    assert.equal(await ready, undefined)
    assert.deepEqual(connection.refusal, refusal)
    await closed
  })
}

for (const [first, said] of [
  ['\x16', Buffer.from([0x15, 3, 3, 0, 2, 2, 49])],
  ['GET', Buffer.from('no\r\n')],
  ['', Buffer.from('no\r\n')],
] as const) {
  test(`whoever is turned away after ${JSON.stringify(first)} hears it in its own tongue`, async (t) => {
    const { client, accepted } = await pair(t)
    if (first !== '') client.write(first)
    const gone = turnedAway(accepted, new SallyportError('client_not_allowed', 'no'), 'no\r\n')
    const heard = await client.toArray()
    assert.deepEqual(Buffer.concat(heard as Buffer[]), said)
    await gone
  })
}
