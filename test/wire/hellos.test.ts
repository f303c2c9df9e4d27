import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls'
import { after, before, test } from 'node:test'
import type { RawClient } from '../support/raw-client.ts'
import { startStage, type Row, type Stage } from '../support/stage.ts'

const host = 'api.openai.com'
let stage: Stage
let echo: ReturnType<typeof createServer>
let heard = ''

before(async () => {
  echo = createServer({ allowHalfOpen: true }, (socket: Socket) => {
    socket.on('error', () => {}).on('data', (chunk: Buffer) => (heard += chunk.toString('latin1')))
    socket.on('end', () => socket.end('heard'))
  })
  echo.listen(0, '127.0.0.1')
  await once(echo, 'listening')
  const raw = { address: `127.0.0.1:${(echo.address() as AddressInfo).port}` }
  stage = await startStage((seen, response) => void response.end(`${seen.url}`), {
    hosts: [host],
    origin: { alpn: ['http/1.1'] },
    origins: { 'raw.example:1': raw, 'loose.example:1': raw },
    policies: {
      'a.yaml': {
        notTls: 'tunnel',
        intercept: [
          { hosts: ['raw.example'], action: 'tunnel' },
          { hosts: ['catalogue', 'loose.example'], action: 'inspect' },
        ],
      },
    },
  })
})

after(async () => {
  await stage[Symbol.asyncDispose]()
  echo.close()
})

/** A CONNECT that has been answered; its socket is nobody's. */
async function tunnel(target: string): Promise<RawClient> {
  const client = await stage.raw()
  client.send(`CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n\r\n`)
  assert.match(await client.until('\r\n\r\n'), /^HTTP\/1\.1 200 /)
  return client
}

async function oneRow(before: number): Promise<Row> {
  const rows = await stage.sallyport.rowsWhen('connections', (some) => some.length > before)
  assert.equal(rows.length, before + 1)
  return rows[before] as Row
}

const count = (): number => stage.sallyport.rows('connections').length

/** What a client with these options says first. */
function helloOf(options: ConnectionOptions): Promise<Buffer> {
  return new Promise((resolve) => {
    const carrier = new Duplex({ read() {}, write: (chunk: Buffer) => resolve(chunk) })
    connectTls({ socket: carrier, servername: host, ...options }).on('error', () => {})
  })
}

async function handshake(options: ConnectionOptions): Promise<TLSSocket | NodeJS.ErrnoException> {
  const client = await tunnel(`${host}:443`)
  for (const event of ['data', 'end', 'close', 'error']) client.socket.removeAllListeners(event)
  const tls = connectTls({ socket: client.socket, servername: host, ca: stage.sallyport.ca(), ...options })
  return new Promise((resolve) => {
    tls.once('secureConnect', () => resolve(tls)).once('error', (error) => resolve(error))
  })
}

const refused: [what: string, options: ConnectionOptions, alert: RegExp, reason: string][] = [
  [
    'only old versions of TLS',
    { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' },
    /PROTOCOL_VERSION/,
    'handshake: version',
  ],
  ['only an unknown protocol', { ALPNProtocols: ['foo'] }, /NO_APPLICATION_PROTOCOL/, 'handshake: no-protocol'],
]

for (const [what, options, alert, reason] of refused) {
  test(`a client that offers ${what} gets the alert that says so, and a row with its name`, async () => {
    const before = count()
    const error = await handshake(options)
    assert.ok(error instanceof Error)
    assert.match(String(error.code), alert)
    const row = await oneRow(before)
    assert.deepEqual([row['host'], row['sni'], row['handling'], row['reason']], [host, host, 'failed', reason])
  })
}

const agreed: [what: string, options: ConnectionOptions, alpn: string | false][] = [
  ['no protocol', {}, false],
  ['a protocol and GREASE', { ALPNProtocols: ['\x0a\x0a', 'http/1.1'] }, 'http/1.1'],
  ['so much that its hello takes two records', { ALPNProtocols: [...manyProtocols(), 'http/1.1'] }, 'http/1.1'],
]

for (const [what, options, alpn] of agreed) {
  test(`a client that offers ${what} speaks HTTP/1.1`, async () => {
    const before = count()
    const tls = await handshake(options)
    assert.ok(!(tls instanceof Error), String(tls))
    assert.equal(tls.alpnProtocol, alpn)
    tls.write(`GET /alpn HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)
    const [answer] = (await once(tls, 'data')) as [Buffer]
    assert.match(answer.toString(), /^HTTP\/1\.1 200 /)
    tls.destroy()
    const row = await oneRow(before)
    assert.deepEqual([row['handling'], row['sni'], row['alpn']], ['inspect', host, alpn === false ? null : alpn])
  })
}

function manyProtocols(): string[] {
  return Array.from({ length: 90 }, (_, i) => `${i}`.padEnd(200, 'x'))
}

const notTls: [what: string, bytes: string | Buffer, handling: string, reason: string][] = [
  ['random bytes', Buffer.from('9f03c155ee0a', 'hex'), 'tunnel', 'not TLS'],
  ['SSH', 'SSH-2.0-OpenSSH_9.9\r\n', 'tunnel', 'not TLS'],
  ['the first letters of a method and no more', 'GE', 'tunnel', 'not TLS'],
  ['half a hello', Buffer.from('160301', 'hex'), 'tunnel', 'not TLS'],
]

for (const [what, bytes, handling, reason] of notTls) {
  test(`${what}, and then the end of the client's side, are relayed whole where policy says so`, async () => {
    const before = count()
    heard = ''
    const client = await tunnel('loose.example:1')
    client.send(bytes)
    client.end()
    assert.equal(await client.rest(), 'heard')
    assert.equal(heard, Buffer.from(bytes as string, 'latin1').toString('latin1'))
    const row = await oneRow(before)
    assert.deepEqual(
      [row['handling'], row['reason'], row['bytes_up'], row['bytes_down']],
      [handling, reason, bytes.length, 5],
    )
  })

  test(`${what} in a tunnel are relayed whole`, async () => {
    const before = count()
    heard = ''
    const client = await tunnel('raw.example:1')
    client.send(bytes)
    client.end()
    assert.equal(await client.rest(), 'heard')
    assert.equal(heard, Buffer.from(bytes as string, 'latin1').toString('latin1'))
    assert.deepEqual([(await oneRow(before))['handling']], ['tunnel'])
  })
}

test('a hello that cannot be read is not relayed, because it could name another host', async () => {
  const before = count()
  heard = ''
  const client = await tunnel('raw.example:1')
  const hello = Buffer.from(await helloOf({ servername: 'other.example' }))
  // The name with a space in it.
  hello[hello.indexOf('other.example')] = 0x20
  client.send(hello)
  assert.equal(await client.rest(), '')
  const row = await oneRow(before)
  assert.deepEqual([row['handling'], row['reason'], heard], ['deny', 'not a valid ClientHello', ''])
})

test('empty lines before a request do not hide it from inspection', async () => {
  const before = count()
  const client = await tunnel('loose.example:1')
  client.send('\r\n\r\nGET /behind-lines HTTP/1.1\r\nHost: loose.example:1\r\n\r\n')
  const row = await stage.sallyport.rowsWhen('exchanges', (some) => some.some((one) => one['path'] === '/behind-lines'))
  assert.equal(row.at(-1)?.['host'], 'loose.example')
  client.close()
  await oneRow(before)
})

test('a client that vanishes without a word is not taken for one that refuses the leaf', async () => {
  for (let turn = 0; turn < 2; turn += 1) {
    const before = count()
    const client = await tunnel(`${host}:443`)
    client.send(await helloOf({ maxVersion: 'TLSv1.2' }))
    await client.until(6)
    client.reset()
    const row = await oneRow(before)
    assert.deepEqual([row['handling'], row['sni']], ['failed', host])
  }
})
