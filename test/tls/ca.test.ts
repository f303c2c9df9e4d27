import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { createPrivateKey, generateKeyPairSync, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { chmod, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { pemCertificates } from '../../src/tls/authority.ts'
import { createAuthority, ensureAuthority, openAuthority, rotateAuthority } from '../../src/tls/ca.ts'

const now = Date.now()
const made = { passphrase: null, now, permitted: ['*.example.com'], name: 'test-machine' } as const
const unixModes = { skip: process.platform === 'win32' && 'Windows has no such modes' }

test('a new CA is a critical, constrained P-256 root of five years that names its machine', async (t) => {
  const dir = await folder(t)
  const authority = await createAuthority({ ...made, dir })
  const certificate = new X509Certificate(authority.certificatePem)
  assert.equal(certificate.ca, true)
  assert.match(certificate.subject, /Sallyport CA test-machine \d{4}-\d\d-\d\d/)
  assert.equal(certificate.publicKey.asymmetricKeyDetails?.namedCurve, 'prime256v1')
  assert.ok(certificate.verify(certificate.publicKey))
  assert.match(certificate.serialNumber, /^[4-7][0-9A-F]{31}$/)
  assert.equal(Math.round((authority.notAfter - now) / 86_400_000), 5 * 365)
  assert.ok(Date.parse(certificate.validFrom) < now - 86_000_000)
  assert.deepEqual(authority.permitted, ['example.com'])
  assert.ok(authority.permits('api.example.com'))
  assert.ok(!authority.permits('example.org'))
  assert.ok(!authority.permits('127.0.0.1'))
})

test('its key and folder are closed to others, and nothing else lies about', unixModes, async (t) => {
  const dir = join(await folder(t), 'deep', 'certs')
  await createAuthority({ ...made, dir })
  assert.deepEqual((await readdir(dir)).sort(), ['bundle.pem', 'ca.key', 'ca.pem'])
  assert.equal((await stat(join(dir, 'ca.key'))).mode & 0o777, 0o600)
  assert.equal((await stat(dir)).mode & 0o777, 0o700)
  assert.equal((await stat(join(dir, 'bundle.pem'))).mode & 0o777, 0o644)
})

test('bundle.pem holds the system roots and, last, the CA', async (t) => {
  const dir = await folder(t)
  const authority = await createAuthority({ ...made, dir })
  const bundle = pemCertificates(await readFile(join(dir, 'bundle.pem'), 'utf8'))
  assert.ok(bundle.length > 20)
  assert.equal(bundle.at(-1), authority.certificatePem)
  assert.equal(new Set(bundle).size, bundle.length)
})

test('a second start opens the same CA, and mends a lost bundle', async (t) => {
  const dir = await folder(t)
  const first = await ensureAuthority({ ...made, dir })
  await rm(join(dir, 'bundle.pem'))
  const second = await ensureAuthority({ ...made, dir })
  assert.deepEqual([first.created, second.created], [true, false])
  assert.equal(second.authority.fingerprint, first.authority.fingerprint)
  assert.ok((await readdir(dir)).includes('bundle.pem'))
})

test('processes that start at once make one CA', async (t) => {
  const dir = await folder(t)
  const module = new URL('../../src/tls/ca.ts', import.meta.url).href
  const program = `
    const { ensureAuthority } = await import(${JSON.stringify(module)})
    const options = { dir: process.argv[1], passphrase: null, now: ${now}, permitted: 'any', name: 'x' }
    const [a, b] = await Promise.all([ensureAuthority(options), ensureAuthority(options)])
    console.log(a.authority.fingerprint + b.authority.fingerprint)`
  const prints = await Promise.all(
    [1, 2, 3].map(async () => {
      const child = spawn(process.execPath, ['--input-type=module', '-e', program, dir], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      let out = ''
      child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
      await once(child, 'close')
      return out.trim()
    }),
  )
  assert.match(prints[0] ?? '', /^([0-9a-f]{64})\1$/)
  assert.equal(new Set(prints).size, 1)
  assert.deepEqual((await readdir(dir)).sort(), ['bundle.pem', 'ca.key', 'ca.pem'])
})

test('with a passphrase the key is encrypted at rest and opens only with it', async (t) => {
  const dir = await folder(t)
  const passphrase = 'correct horse'
  const authority = await createAuthority({ ...made, dir, passphrase })
  assert.match(await readFile(join(dir, 'ca.key'), 'utf8'), /ENCRYPTED PRIVATE KEY/)
  assert.equal((await openAuthority({ dir, passphrase, now }))?.fingerprint, authority.fingerprint)
  await old(dir)
  await assert.rejects(openAuthority({ dir, passphrase: 'wrong', now }), /does not open with the passphrase/)
  await assert.rejects(openAuthority({ dir, passphrase: null, now }), /is encrypted/)
})

test('no files are no CA', async (t) => {
  assert.equal(await openAuthority({ dir: await folder(t), passphrase: null, now }), undefined)
  assert.equal(await openAuthority({ dir: '/nonexistent/certs', passphrase: null, now }), undefined)
})

const faults: [what: string, spoil: (dir: string) => Promise<unknown>, message: RegExp, later?: number][] = [
  ['a missing key', (dir) => rm(join(dir, 'ca.key')), /ca\.key is missing/],
  ['a missing certificate', (dir) => rm(join(dir, 'ca.pem')), /ca\.pem is missing/],
  ['an empty key', (dir) => writeFile(join(dir, 'ca.key'), ''), /ca\.key is not a private key/],
  ['a certificate that is none', (dir) => writeFile(join(dir, 'ca.pem'), 'hello'), /ca\.pem is not a PEM certificate/],
  ['the key of another CA', (dir) => writeFile(join(dir, 'ca.key'), otherKey()), /ca\.key does not match/],
  ['an expired CA', () => Promise.resolve(), /has expired/, 6 * 365 * 86_400_000],
  ['a CA of the future', () => Promise.resolve(), /is not valid yet/, -2 * 86_400_000],
]

for (const [what, spoil, message, later = 0] of faults) {
  test(`${what} is ca_unavailable and says so`, async (t) => {
    const dir = await folder(t)
    await createAuthority({ ...made, dir })
    await spoil(dir)
    await old(dir)
    await assert.rejects(openAuthority({ dir, passphrase: null, now: now + later }), (error: Error) => {
      assert.match(error.message, message)
      assert.equal((error as Error & { code: string }).code, 'ca_unavailable')
      return true
    })
  })
}

test('a key that others may read is closed to them, with a warning', unixModes, async (t) => {
  const dir = await folder(t)
  await createAuthority({ ...made, dir })
  await chmod(join(dir, 'ca.key'), 0o644)
  const warnings: string[] = []
  assert.ok(await openAuthority({ dir, passphrase: null, now, warn: (message) => warnings.push(message) }))
  assert.equal((await stat(join(dir, 'ca.key'))).mode & 0o777, 0o600)
  assert.match(warnings.join(), /was open to others \(mode 0644\)/)
})

test('rotation makes a new CA with new limits and keeps the old certificate, not the old key', async (t) => {
  const dir = await folder(t)
  const before = await createAuthority({ ...made, dir })
  const after = await rotateAuthority({ ...made, dir, permitted: ['api.new.example'] })
  assert.notEqual(after.fingerprint, before.fingerprint)
  assert.deepEqual(after.permitted, ['api.new.example'])
  await rotateAuthority({ ...made, dir })
  const kept = (await readdir(dir)).filter((name) => name.startsWith('ca.pem.')).sort()
  assert.equal(kept.length, 2)
  assert.equal(await readFile(join(dir, kept[0] as string), 'utf8'), before.certificatePem)
  assert.deepEqual((await readdir(dir)).filter((name) => name.includes('key')).sort(), ['ca.key'])
})

test('rotation replaces a CA whose key is lost, and one at a time', async (t) => {
  const dir = await folder(t)
  await createAuthority({ ...made, dir })
  await rm(join(dir, 'ca.key'))
  assert.ok(await rotateAuthority({ ...made, dir }))
  await writeFile(join(dir, 'ca.lock'), '1')
  await assert.rejects(rotateAuthority({ ...made, dir }), /another rotation/)
})

const foreign: [what: string, newkey: string[], legacy: boolean][] = [
  ['RSA, PKCS#8', ['-newkey', 'rsa:2048'], false],
  ['RSA, PKCS#1', ['-newkey', 'rsa:2048'], true],
  ['EC P-384, SEC1', ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-384'], true],
]

for (const [what, newkey, legacy] of foreign) {
  test(`a CA made elsewhere is taken: ${what}`, { skip: noOpenssl() }, async (t) => {
    const dir = await folder(t)
    const [key, pem] = [join(dir, 'ca.key'), join(dir, 'ca.pem')]
    const request = ['req', '-x509', '-nodes', ...newkey, '-keyout', key, '-out', pem, '-days', '30', '-subj']
    const ca = ['-addext', 'nameConstraints=critical,permitted;DNS:.corp.example']
    execFileSync('openssl', [...request, '/O=Corp/CN=Corp Root', ...ca], { stdio: 'pipe' })
    if (legacy) await writeFile(key, legacyForm(await readFile(key, 'utf8')))
    const authority = await openAuthority({ dir, passphrase: null, now: Date.now() + 1000 })
    assert.equal(authority?.name, 'Corp Root')
    assert.deepEqual(authority?.permitted, ['corp.example'])
    assert.equal(authority?.chainPem, '')
  })
}

async function folder(t: test.TestContext): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'sallyport-ca-'))
  t.after(() => rm(dir, { recursive: true, force: true }))
  return dir
}

/** Files of a moment ago may be half of what another process is writing: these are not. */
async function old(dir: string): Promise<void> {
  const then = new Date(Date.now() - 60_000)
  for (const name of await readdir(dir)) await utimes(join(dir, name), then, then)
}

function otherKey(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
}

function legacyForm(pem: string): string {
  const key = createPrivateKey(pem)
  const type = key.asymmetricKeyType === 'rsa' ? 'pkcs1' : 'sec1'
  return key.export({ type, format: 'pem' }) as string
}

function noOpenssl(): string | false {
  try {
    execFileSync('openssl', ['version'], { stdio: 'pipe' })
    return false
  } catch {
    return 'no openssl on this machine'
  }
}
