import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import net, { type AddressInfo, type Socket } from 'node:net'
import { join } from 'node:path'
import { Duplex } from 'node:stream'
import test from 'node:test'
import tls from 'node:tls'
import { createAuthority } from '../../src/tls/ca.ts'
import { peekClientHello } from '../../src/tls/client-hello.ts'
import { intercept, type Interception, rejectedLeafAlert } from '../../src/tls/intercept.ts'
import { leafCache } from '../../src/tls/leaf-cache.ts'
import { testAuthority } from '../support/authority.ts'
import { tempFolder } from '../support/temp.ts'

const authority = await createAuthority({
  dir: tempFolder('intercept'),
  passphrase: null,
  now: Date.now(),
  permitted: 'any',
  name: 'intercept',
})
const strangerPem = join(tempFolder('intercept'), 'ca.pem')
writeFileSync(strangerPem, testAuthority('A stranger').cert)
const cache = leafCache({ authority, hours: 72, now: Date.now })
const trusting = { ca: authority.certificatePem, servername: 'api.example', ALPNProtocols: ['h2', 'http/1.1'] }

const agreed: [what: string, options: tls.ConnectionOptions, alpn: string | undefined, version: string][] = [
  ['h2 and http/1.1 offered', {}, 'h2', 'TLSv1.3'],
  ['http/1.1 only', { ALPNProtocols: ['http/1.1'] }, 'http/1.1', 'TLSv1.3'],
  ['no ALPN', { ALPNProtocols: undefined }, undefined, 'TLSv1.3'],
  ['TLS 1.2', { maxVersion: 'TLSv1.2' }, 'h2', 'TLSv1.2'],
]

for (const [what, options, alpn, version] of agreed) {
  test(`with ${what} the client gets a leaf it trusts, and bytes flow both ways`, async (t) => {
    const door = await openDoor(t)
    const client = connect(t, door.port, options)
    client.write('ping')
    const outcome = await door.outcome
    assert.ok(outcome.kind === 'secure')
    assert.deepEqual([outcome.alpn, outcome.version, outcome.resumed], [alpn, version, false])
    const [got] = (await once(outcome.socket, 'data')) as [Buffer]
    outcome.socket.end(`pong after ${got.toString()}`)
    assert.equal((await textOf(client)).toString(), 'pong after ping')
    assert.equal(client.authorized, true)
  })
}

test('a hello that came in single bytes, was peeked at and put back, is used', async (t) => {
  const door = await openDoor(t)
  const raw = net.connect(door.port, '127.0.0.1')
  const slow = throughBytes(raw)
  const client = tls.connect({ ...trusting, socket: slow })
  t.after(() => void client.destroy())
  await once(client, 'secureConnect')
  assert.equal((await door.outcome).kind, 'secure')
})

const failures: {
  what: string
  options: tls.ConnectionOptions
  expect: Partial<Interception>
  clientSees: RegExp
}[] = [
  {
    what: 'TLS 1.1 only',
    options: { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' },
    expect: { cause: 'version' } as Partial<Interception>,
    clientSees: /alert protocol version/i,
  },
  {
    what: 'an ALPN we do not speak',
    options: { ALPNProtocols: ['foo'] },
    expect: { cause: 'no-protocol' } as Partial<Interception>,
    clientSees: /no application protocol/i,
  },
]

for (const { what, options, expect, clientSees } of failures) {
  test(`a client with ${what} gets the alert that says so`, async (t) => {
    const door = await openDoor(t)
    const client = connect(t, door.port, options)
    const [error] = (await once(client, 'error')) as [Error]
    assert.match(error.message, clientSees)
    assert.partialDeepStrictEqual(await door.outcome, { kind: 'failed', alert: undefined, ...expect })
    await door.closed
  })
}

for (const version of ['-tls1_2', '-tls1_3']) {
  test(
    `a client that refuses the leaf by an alert is told from one that just goes (${version})`,
    { skip: noOpenssl() },
    async (t) => {
      const door = await openDoor(t)
      const args = [
        's_client',
        '-connect',
        `127.0.0.1:${door.port}`,
        version,
        '-verify_return_error',
        '-CAfile',
        strangerPem,
      ]
      const client = spawn('openssl', args, { stdio: ['pipe', 'ignore', 'ignore'] })
      t.after(() => void client.kill())
      const outcome = await door.outcome
      assert.partialDeepStrictEqual(outcome, { kind: 'failed', cause: 'rejected-leaf', alert: 'unknown_ca' })
      await door.closed
    },
  )
}

test('a refusal that comes only after the handshake is recognised on the first error', () => {
  const error = (code: string): Error => Object.assign(new Error(code), { code })
  assert.equal(rejectedLeafAlert(error('ERR_SSL_TLSV1_ALERT_UNKNOWN_CA')), 'unknown_ca')
  assert.equal(rejectedLeafAlert(error('ERR_SSL_SSL/TLS_ALERT_BAD_CERTIFICATE')), 'bad_certificate')
  assert.equal(rejectedLeafAlert(error('ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN')), 'certificate_unknown')
  assert.equal(rejectedLeafAlert(error('ERR_SSL_TLSV1_ALERT_INTERNAL_ERROR')), undefined)
  assert.equal(rejectedLeafAlert(error('ECONNRESET')), undefined)
  assert.equal(rejectedLeafAlert('no error'), undefined)
})

const vanishing: [what: string, leave: (socket: Socket) => void, causes: string[]][] = [
  ['closes', (socket) => socket.end(), ['closed', 'reset']],
  ['resets', (socket) => socket.resetAndDestroy(), ['reset', 'closed']],
  ['sends rubbish', (socket) => socket.write('GET / HTTP/1.1\r\n\r\n'), ['protocol', 'version']],
]

for (const [what, leave, causes] of vanishing) {
  test(`a client that ${what} in the handshake ends it, without an alert, and frees the socket`, async (t) => {
    const door = await openDoor(t, { peek: false })
    const raw = net.connect(door.port, '127.0.0.1')
    raw.on('error', () => undefined)
    t.after(() => void raw.destroy())
    await once(raw, 'connect')
    await door.accepted
    leave(raw)
    const outcome = await door.outcome
    assert.ok(outcome.kind === 'failed' && causes.includes(outcome.cause), JSON.stringify(outcome))
    assert.equal(outcome.alert, undefined)
    await door.closed
  })
}

test('a client that went before its leaf was ready is not waited for', async (t) => {
  const door = await openDoor(t, { peek: false, before: (socket) => once(socket.destroy(), 'close') })
  net.connect(door.port, '127.0.0.1').on('error', () => undefined)
  assert.partialDeepStrictEqual(await door.outcome, { kind: 'failed', cause: 'closed' })
})

test('a client that says nothing is dropped after the time allowed', async (t) => {
  const door = await openDoor(t, { peek: false, timeoutMs: 20 })
  const raw = net.connect(door.port, '127.0.0.1')
  raw.on('error', () => undefined)
  assert.partialDeepStrictEqual(await door.outcome, { kind: 'failed', cause: 'timeout' })
  await door.closed
})

type Before = (socket: Socket) => Promise<unknown>

type Door = {
  port: number
  outcome: Promise<Interception>
  accepted: Promise<Socket>
  closed: Promise<unknown>
}

/** A listener that peeks at its first connection as the proxy does, then intercepts it. */
async function openDoor(
  t: test.TestContext,
  { peek = true, timeoutMs = 10_000, before }: { peek?: boolean; timeoutMs?: number; before?: Before } = {},
): Promise<Door> {
  const outcome = Promise.withResolvers<Interception>()
  const accepted = Promise.withResolvers<Socket>()
  const closed = Promise.withResolvers<unknown>()
  const server = net.createServer(async (socket) => {
    accepted.resolve(socket)
    socket.once('close', closed.resolve)
    if (peek) await peekAndPutBack(socket)
    await before?.(socket)
    const context = await cache.contextFor('api.example')
    outcome.resolve(await intercept(socket, { context, alpn: ['h2', 'http/1.1'], timeoutMs }))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(async () => {
    server.close()
    ;(await accepted.promise).destroy()
  })
  const { port } = server.address() as AddressInfo
  return { port, outcome: outcome.promise, accepted: accepted.promise, closed: closed.promise }
}

async function peekAndPutBack(socket: Socket): Promise<void> {
  let bytes: Buffer = Buffer.alloc(0)
  while (peekClientHello(bytes).kind === 'more') {
    await once(socket, 'readable')
    bytes = Buffer.concat([bytes, (socket.read() as Buffer | null) ?? Buffer.alloc(0)])
  }
  socket.unshift(bytes)
}

function connect(t: test.TestContext, port: number, options: tls.ConnectionOptions): tls.TLSSocket {
  const client = tls.connect({ ...trusting, host: '127.0.0.1', port, ...options })
  client.on('error', () => undefined)
  t.after(() => void client.destroy())
  return client
}

async function textOf(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** The socket as a stream that writes byte by byte, each in a turn of its own. */
function throughBytes(raw: Socket): Duplex {
  raw.setNoDelay(true)
  const slow = new Duplex({
    read: () => raw.resume(),
    write: (chunk: Buffer, _encoding, done) => {
      let at = 0
      const next = (): void => {
        if (at === chunk.length) return done()
        raw.write(chunk.subarray(at, (at += 1)))
        setImmediate(next)
      }
      next()
    },
  })
  raw.on('data', (chunk) => slow.push(chunk))
  raw.on('close', () => slow.destroy())
  return slow
}

function noOpenssl(): string | false {
  try {
    execFileSync('openssl', ['version'], { stdio: 'pipe' })
    return false
  } catch {
    return 'no openssl on this machine'
  }
}
