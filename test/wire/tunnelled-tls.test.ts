import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { Duplex } from 'node:stream'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { after, before, test } from 'node:test'
import { testAuthority } from '../support/authority.ts'
import { startOrigin, type Origin, type OriginHandler } from '../support/origin.ts'
import { over, type RawClient } from '../support/raw-client.ts'
import { startStage, type Row, type Stage } from '../support/stage.ts'

const authority = testAuthority()
const inspected = 'inspected.test'
const whom: OriginHandler = (_seen, response, request) => {
  const socket = ('stream' in request ? request.stream.session?.socket : request.socket) as TLSSocket
  response.end(String(socket.getPeerCertificate().subject?.CN))
}
let stage: Stage
let strict: Origin
let raw: Server
let heard = Buffer.alloc(0)

before(async () => {
  strict = await startOrigin(whom, {
    authority,
    names: ['strict.test'],
    alpn: ['http/1.1'],
    tls: { requestCert: true, rejectUnauthorized: true, ca: authority.cert },
  })
  raw = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {}).on('data', (chunk: Buffer) => (heard = Buffer.concat([heard, chunk])))
    socket.on('end', () => socket.end('heard'))
  }).listen(0, '127.0.0.1')
  await once(raw, 'listening')
  stage = await startStage((_seen, response) => void response.end('inspected'), {
    authority,
    hosts: [inspected],
    origins: {
      'strict.test:443': strict,
      'raw.test:443': { address: `127.0.0.1:${(raw.address() as AddressInfo).port}` },
    },
    policies: {
      'a.yaml': {
        intercept: [
          { hosts: [inspected], action: 'inspect' },
          { hosts: ['*'], action: 'tunnel' },
        ],
      },
    },
  })
})

after(async () => {
  await stage[Symbol.asyncDispose]()
  await strict.close()
  raw.close()
})

async function tunnel(host: string): Promise<RawClient> {
  const client = await stage.raw()
  client.send(`CONNECT ${host}:443 HTTP/1.1\r\nHost: ${host}:443\r\n\r\n`)
  assert.match(await client.until('\r\n\r\n'), /^HTTP\/1\.1 200 /)
  return client
}

/** What a client that asks for this name says first. */
function helloOf(servername: string): Promise<Buffer> {
  return new Promise((resolve) => {
    const carrier = new Duplex({ read() {}, write: (chunk: Buffer) => resolve(chunk) })
    connectTls({ socket: carrier, servername, ALPNProtocols: ['h2', 'http/1.1'] }).on('error', () => {})
  })
}

/** The same hello with one more extension, of encrypted_client_hello as clients send it that have no key (GREASE). */
function withGreaseEch(hello: Buffer): Buffer {
  const outer = Buffer.concat([
    Buffer.from('0000010001a40020', 'hex'),
    Buffer.alloc(32, 7),
    Buffer.from([0, 144]),
    Buffer.alloc(144, 9),
  ])
  const head = Buffer.alloc(4)
  head.writeUInt16BE(0xfe0d, 0)
  head.writeUInt16BE(outer.length, 2)
  const longer = Buffer.concat([hello, head, outer])
  const more = head.length + outer.length
  // Behind the version, the random, the session and the lists of suites and compression methods.
  let at = 9 + 2 + 32
  at += 1 + hello.readUInt8(at)
  at += 2 + hello.readUInt16BE(at)
  at += 1 + hello.readUInt8(at)
  longer.writeUInt16BE(hello.readUInt16BE(at) + more, at)
  longer.writeUInt16BE(hello.readUInt16BE(3) + more, 3)
  longer.writeUIntBE(hello.readUIntBE(6, 3) + more, 6, 3)
  return longer
}

test('a client shows its own certificate inside a tunnel, and gets that of the origin', async () => {
  const client = await tunnel('strict.test')
  for (const event of ['data', 'end', 'close', 'error']) client.socket.removeAllListeners(event)
  const mine = authority.issue(['client.test'], { usage: 'client' })
  const tls = connectTls({ ...mine, socket: client.socket, servername: 'strict.test', ca: authority.cert })
  await once(tls, 'secureConnect')
  assert.match(tls.getPeerCertificate().subjectaltname ?? '', /DNS:strict\.test/)
  const inside = over(tls)
  inside.send('GET / HTTP/1.1\r\nHost: strict.test\r\n\r\n')
  const answer = await inside.answer()
  assert.deepEqual([answer.status, answer.body], [200, 'client.test'])
  inside.close()
  const row = await stage.row('connections', (one) => one['host'] === 'strict.test')
  assert.equal(row['handling'], 'tunnel')
})

for (const [what, made] of [
  ['a hello', (hello: Buffer) => hello],
  ['a hello with GREASE ECH', withGreaseEch],
] as const) {
  test(`${what} passes a tunnel byte for byte, in however many pieces it comes`, async () => {
    const hello = made(await helloOf('raw.test'))
    for (const cut of [hello.length, 1, 5, 100]) {
      heard = Buffer.alloc(0)
      const client = await tunnel('raw.test')
      client.send(hello.subarray(0, cut))
      await new Promise((resolve) => setTimeout(resolve, 20))
      client.send(hello.subarray(cut))
      client.end()
      assert.equal(await client.rest(), 'heard')
      assert.ok(heard.equals(hello), `cut at ${cut}`)
    }
  })

  test(`${what} to a host that is inspected is answered for the name that it says openly`, async () => {
    const ofHost = (one: Row): boolean => one['host'] === inspected
    const before = stage.sallyport.rows('connections').filter(ofHost).length
    const client = await tunnel(inspected)
    client.send(made(await helloOf(inspected)))
    // A handshake record with a ServerHello.
    assert.match(await client.until(6), /^\x16\x03\x03..\x02$/s)
    client.close()
    const rows = await stage.sallyport.rowsWhen('connections', (some) => some.filter(ofHost).length > before)
    assert.equal(rows.filter(ofHost).at(-1)?.['sni'], inspected)
  })
}
