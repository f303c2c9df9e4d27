import assert from 'node:assert/strict'
import { once } from 'node:events'
import { chmodSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { connect } from 'node:tls'
import { intercept } from '../../src/tls/intercept.ts'
import { serveTls, type ServeTls } from '../../src/tls/serve-tls.ts'
import { testAuthority } from '../support/authority.ts'
import { tempFolder } from '../support/temp.ts'

const day = 86_400_000
const start = Math.floor(Date.now() / day) * day
const authority = testAuthority('Doors')
const dir = tempFolder('serve-tls')
const file = (name: string, text: string): string => {
  const path = join(dir, name)
  writeFileSync(path, text, { mode: 0o600 })
  return path
}
const own = authority.issue(['gate.example'])
const other = testAuthority('Others').issue(['gate.example'])
const cert = file('cert.pem', own.cert)
const key = file('key.pem', own.key)
const ca = file('ca.pem', authority.cert)

function open(options: { cert?: string; key?: string; clientCa?: string[] | null; now?: () => number } = {}) {
  const warnings: string[] = []
  const tls = serveTls({
    cert,
    key,
    clientCa: null,
    setting: 'proxy.tls',
    now: () => start,
    warn: (message) => void warnings.push(message),
    ...options,
  })
  return { tls, warnings }
}

const broken: [what: string, options: Parameters<typeof open>[0], says: RegExp][] = [
  ['a certificate that is not there', { cert: join(dir, 'no') }, /^proxy\.tls\.cert: \S+no cannot be read \(ENOENT\)$/],
  ['a certificate that is none', { cert: file('x', 'x') }, /^proxy\.tls\.cert: \S+x has no certificate in PEM$/],
  [
    'a certificate that is spoilt',
    { cert: file('spoilt', own.cert.replace(/^M.{20}/m, 'MIIBAAAAAAAAAAAAAAAAA')) },
    /^proxy\.tls\.cert: \S+spoilt has a certificate that cannot be read$/,
  ],
  ['a key that is not there', { key: join(dir, 'no') }, /^proxy\.tls\.key: \S+no cannot be read \(ENOENT\)$/],
  ['a key that is none', { key: cert }, /^proxy\.tls\.key: \S+cert\.pem is not a private key in PEM$/],
  [
    'the key of another',
    { key: file('other', other.key) },
    /^proxy\.tls\.key: \S+other is not the key of \S+cert\.pem$/,
  ],
  [
    'an encrypted key',
    { key: file('enc', '-----BEGIN ENCRYPTED PRIVATE KEY-----') },
    /^proxy\.tls\.key: \S+enc is encrypted/,
  ],
  [
    'authorities that are not there',
    { clientCa: [ca, join(dir, 'no')] },
    /^proxy\.tls\.clientCa: \S+no cannot be read/,
  ],
  ['authorities that are none', { clientCa: [key] }, /^proxy\.tls\.clientCa: \S+key\.pem has no certificate in PEM$/],
]

for (const [what, options, says] of broken) {
  test(`${what}: refused, and the message names setting and file`, () => {
    assert.throws(() => open(options), { code: 'config_invalid', message: says })
  })
}

test('a key that others can read is told of, one that they cannot is not', () => {
  assert.deepEqual(open().warnings, [])
  const loose = file('loose.pem', own.key)
  chmodSync(loose, 0o640)
  const { warnings } = open({ key: loose })
  assert.deepEqual(warnings.length, 1)
  assert.match(warnings[0] ?? '', /^proxy\.tls\.key: \S+loose\.pem can be read by others \(mode 0640\)/)
})

test('a certificate that has expired is served, and told of', () => {
  const { warnings } = open({ now: () => start + 40 * day })
  assert.match(warnings[0] ?? '', /^proxy\.tls\.cert: \S+cert\.pem has expired$/)
})

test('the context is made once in a day', () => {
  const clock = { now: start }
  const { tls } = open({ now: () => clock.now })
  const first = tls.context()
  clock.now += day - 1
  assert.equal(tls.context(), first)
  clock.now += 1
  assert.notEqual(tls.context(), first)
})

const resumptions: [what: string, other: () => ServeTls, resumed: boolean][] = [
  ['another process with the same files', () => open().tls, true],
  ['the same files tomorrow', () => open({ now: () => start + day }).tls, false],
  ['another certificate', () => open({ cert: file('new.pem', authority.issue(['gate.example']).cert) }).tls, false],
  ['authorities of clients', () => open({ clientCa: [ca] }).tls, false],
]

for (const [what, make, resumed] of resumptions) {
  test(`a session ${resumed ? 'is' : 'is not'} resumed with ${what}`, async (t) => {
    const first = await visit(t, open().tls)
    assert.equal(first.resumed, false)
    assert.equal((await visit(t, make(), first.session)).resumed, resumed)
  })
}

async function visit(t: test.TestContext, tls: ServeTls, session?: Buffer) {
  const server = createServer()
  t.after(() => server.close())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const accepted = once(server, 'connection') as Promise<[Socket]>
  const client = connect({
    port: (server.address() as AddressInfo).port,
    ca: authority.cert,
    servername: 'gate.example',
    ...(session === undefined ? {} : { session }),
  })
  const ticket = session === undefined ? (once(client, 'session') as Promise<[Buffer]>) : undefined
  client.resume()
  const outcome = await intercept((await accepted)[0], {
    context: tls.context(),
    alpn: ['http/1.1'],
    timeoutMs: 10_000,
    requestCert: tls.asksClients,
  })
  assert.ok(outcome.kind === 'secure')
  outcome.socket.write('x')
  const fresh = ticket === undefined ? undefined : (await ticket)[0]
  client.destroy()
  return { resumed: outcome.resumed, session: fresh }
}
