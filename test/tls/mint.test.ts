import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { createAuthority } from '../../src/tls/ca.ts'
import { emptyCrl, mintLeaf, newLeafKey, pemOf } from '../../src/tls/mint.ts'
import { tempFolder } from '../support/temp.ts'

const HOUR = 3_600_000
const now = Date.now()
const dir = tempFolder('mint')
const authority = await createAuthority({ dir, passphrase: null, now, permitted: 'any', name: 'mint' })
const constrained = await createAuthority({
  dir: tempFolder('mint'),
  passphrase: null,
  now,
  permitted: ['*.example.com', '127.0.0.1'],
  name: 'constrained',
})
const leafKey = newLeafKey()
const usual = { now, hours: 72 }

const names: [name: string, subjectAltName: string][] = [
  ['api.example.com', 'DNS:api.example.com'],
  ['API.Example.com.', 'DNS:api.example.com'],
  ['bücher.example', 'DNS:xn--bcher-kva.example'],
  ['my_host.example', 'DNS:my_host.example'],
  ['localhost', 'DNS:localhost'],
  [`${'long.'.repeat(14)}example`, `DNS:${'long.'.repeat(14)}example`],
  ['127.0.0.1', 'IP Address:127.0.0.1'],
  ['::1', 'IP Address:0:0:0:0:0:0:0:1'],
  ['[2001:db8::5]', 'IP Address:2001:DB8:0:0:0:0:0:5'],
]

for (const [name, subjectAltName] of names) {
  test(`the leaf for ${name.slice(0, 30)} names it as ${subjectAltName.slice(0, 30)}`, () => {
    const certificate = new X509Certificate(mintLeaf(authority, leafKey, name, usual).pem)
    assert.equal(certificate.subjectAltName, subjectAltName)
    assert.ok(certificate.verify(new X509Certificate(authority.certificatePem).publicKey))
  })
}

for (const name of ['', '*', 'a b', '../x', 'a\0b', 'DNS:[', 'http://x', `${'a'.repeat(64)}.example`, 'a..b']) {
  test(`${JSON.stringify(name.slice(0, 12))} gets no leaf`, () => {
    assert.throws(() => mintLeaf(authority, leafKey, name, usual), { code: 'leaf_mint_failed' })
  })
}

test('a leaf is back-dated an hour, lives as long as asked, and has a serial of its own', () => {
  const leaves = Array.from({ length: 50 }, () => mintLeaf(authority, leafKey, 'a.example', usual))
  const certificates = leaves.map(({ der }) => new X509Certificate(der))
  const [first] = certificates
  assert.equal(Date.parse(first?.validFrom ?? ''), Math.floor((now - HOUR) / 1000) * 1000)
  assert.equal(Date.parse(first?.validTo ?? ''), Math.floor((now + 72 * HOUR) / 1000) * 1000)
  for (const { serialNumber } of certificates) assert.match(serialNumber, /^[4-7][0-9A-F]{31}$/)
  assert.equal(new Set(certificates.map(({ serialNumber }) => serialNumber)).size, 50)
})

test('ten thousand serials are positive, of 127 bits, and all different', () => {
  const serials = new Set<string>()
  for (let i = 0; i < 10_000; i += 1) {
    // Certificate, TBSCertificate and version come before it, each of a length that is the same for all leaves of one name.
    const { der } = mintLeaf(authority, leafKey, 'a.example', usual)
    const at = der.indexOf(Buffer.from([0xa0, 3, 2, 1, 2, 2])) + 6
    assert.deepEqual([der[at], (der[at + 1] as number) >> 6], [16, 1])
    serials.add(der.toString('hex', at + 1, at + 17))
  }
  assert.equal(serials.size, 10_000)
})

test("a leaf's authority key id is the CA's subject key id, and it is never its own CA", { skip: noOpenssl() }, () => {
  for (const issuer of [authority, constrained]) {
    const { ca, leaf } = filesFor(issuer, mintLeaf(issuer, leafKey, 'api.example.com', usual).pem)
    const text = (file: string, of: string) =>
      execFileSync('openssl', ['x509', '-noout', '-ext', of, '-in', file], { encoding: 'utf8' })
    const [own] = /(?:[0-9A-F]{2}:){19}[0-9A-F]{2}/.exec(text(ca, 'subjectKeyIdentifier')) ?? []
    assert.ok(own)
    assert.ok(text(leaf, 'authorityKeyIdentifier').includes(own))
    const certificate = new X509Certificate(mintLeaf(issuer, leafKey, 'api.example.com', usual).pem)
    assert.equal(certificate.ca, false)
  }
})

test('no leaf outlives its CA, and an expired CA makes none', () => {
  const late = mintLeaf(authority, leafKey, 'a.example', { now: authority.notAfter - HOUR, hours: 72 })
  assert.equal(late.notAfter, authority.notAfter)
  assert.throws(() => mintLeaf(authority, leafKey, 'a.example', { now: authority.notAfter, hours: 72 }), {
    code: 'ca_unavailable',
  })
})

test('a name outside of the constraints is refused with that reason', () => {
  for (const name of ['example.org', 'notexample.com', '127.0.0.2', '::1']) {
    assert.throws(() => mintLeaf(constrained, leafKey, name, usual), { code: 'ca_not_permitted' }, name)
  }
})

const strict: [name: string, flag: '-verify_hostname' | '-verify_ip', issuer: typeof authority][] = [
  ['api.example.com', '-verify_hostname', authority],
  ['api.example.com', '-verify_hostname', constrained],
  [`${'long.'.repeat(14)}example.com`, '-verify_hostname', authority],
  [`${'long.'.repeat(14)}example.com`, '-verify_hostname', constrained],
  [`${'a'.repeat(63)}.${'b'.repeat(63)}.${'c'.repeat(63)}.${'d'.repeat(61)}`, '-verify_hostname', authority],
  ['xn--bcher-kva.example.com', '-verify_hostname', constrained],
  ['my_host.example.com', '-verify_hostname', authority],
  ['localhost', '-verify_hostname', authority],
  ['::1', '-verify_ip', authority],
  ['2001:db8::5', '-verify_ip', authority],
  ['192.0.2.7', '-verify_ip', authority],
  ['127.0.0.1', '-verify_ip', constrained],
]

for (const [name, flag, issuer] of strict) {
  const what = issuer === authority ? 'free' : 'constrained'
  test(
    `openssl in strict mode accepts the leaf for ${name.slice(0, 30)} (${name.length}) of a ${what} CA`,
    { skip: noOpenssl() },
    () => {
      const files = filesFor(issuer, mintLeaf(issuer, leafKey, name, usual).pem)
      const args = ['verify', '-x509_strict', flag, name, '-purpose', 'sslserver', '-CAfile', files.ca, files.leaf]
      assert.match(execFileSync('openssl', args, { encoding: 'utf8' }), /: OK/)
    },
  )
}

test('openssl refuses a leaf outside of the constraints, so they are really there', { skip: noOpenssl() }, () => {
  const careless = { ...constrained, permits: () => true }
  for (const name of ['example.org', '10.0.0.1', '::1']) {
    const files = filesFor(constrained, mintLeaf(careless, leafKey, name, usual).pem)
    const verify = (): unknown =>
      execFileSync('openssl', ['verify', '-CAfile', files.ca, files.leaf], { encoding: 'utf8', stdio: 'pipe' })
    assert.throws(verify, /permitted subtree violation|excluded subtree violation/)
  }
})

test('the leaf has AKI but no SKI, serverAuth, a critical key usage and the CRL point', { skip: noOpenssl() }, () => {
  const { leaf } = filesFor(
    authority,
    mintLeaf(authority, leafKey, 'a.example', { ...usual, crlUrl: 'http://127.0.0.1:3128/ca.crl' }).pem,
  )
  const text = execFileSync('openssl', ['x509', '-noout', '-text', '-in', leaf], { encoding: 'utf8' })
  assert.match(text, /Authority Key Identifier/)
  assert.doesNotMatch(text, /Subject Key Identifier/)
  assert.match(text, /Key Usage: critical\s+Digital Signature\n/)
  assert.match(text, /TLS Web Server Authentication/)
  assert.match(text, /URI:http:\/\/127\.0\.0\.1:3128\/ca\.crl/)
})

test(
  'the revocation list is signed by the CA, and a client that insists on it accepts the leaf',
  { skip: noOpenssl() },
  () => {
    const files = filesFor(authority, mintLeaf(authority, leafKey, 'a.example', usual).pem)
    writeFileSync(files.crl, pemOf('X509 CRL', emptyCrl(authority, now)))
    const check = ['verify', '-crl_check', '-x509_strict', '-CAfile', files.ca, '-CRLfile', files.crl, files.leaf]
    assert.match(execFileSync('openssl', check, { encoding: 'utf8' }), /: OK/)
  },
)

function filesFor(issuer: typeof authority, leaf: string): { ca: string; leaf: string; crl: string } {
  const folder = tempFolder('verify')
  const files = { ca: join(folder, 'ca.pem'), leaf: join(folder, 'leaf.pem'), crl: join(folder, 'crl.pem') }
  writeFileSync(files.ca, issuer.certificatePem)
  writeFileSync(files.leaf, leaf)
  return files
}

function noOpenssl(): string | false {
  try {
    execFileSync('openssl', ['version'], { stdio: 'pipe' })
    return false
  } catch {
    return 'no openssl on this machine'
  }
}
