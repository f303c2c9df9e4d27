import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { pemCertificates } from '../../src/tls/authority.ts'
import { systemRoots } from '../../src/tls/roots.ts'
import { testAuthority } from '../support/authority.ts'
import { tempFolder } from '../support/temp.ts'

const dir = tempFolder('roots')
const own = Array.from({ length: 25 }, (_, i) => testAuthority(`root ${i}`).cert)
const bundle = file('bundle.pem', own.join('# a comment\n'))

test('this machine has roots, each a certificate and each once', () => {
  const roots = pemCertificates(systemRoots())
  assert.ok(roots.length > 20)
  assert.equal(new Set(roots).size, roots.length)
  for (const root of roots) assert.ok(new X509Certificate(root).subject !== undefined)
})

test('the bundle that SSL_CERT_FILE names is the system for the programs started here', () => {
  assert.equal(systemRoots({ env: { SSL_CERT_FILE: bundle } }), own.join(''))
})

test('a bundle of our own is not taken for the system', () => {
  assert.ok(!systemRoots({ env: { SSL_CERT_FILE: bundle }, except: bundle }).includes(own[0] as string))
})

test('roots that Node was given beside the system are kept, and a certificate in both files comes once', () => {
  const extra = testAuthority('corporate').cert
  const env = { SSL_CERT_FILE: bundle, NODE_EXTRA_CA_CERTS: file('extra.pem', extra + rewrapped(own[0] as string)) }
  assert.deepEqual(pemCertificates(systemRoots({ env })), [...own, extra])
})

for (const [what, path] of [
  ['missing', join(dir, 'nothing.pem')],
  ['not a bundle', file('few.pem', own[0] as string)],
]) {
  test(`a named file that is ${what} leaves the machine's own roots`, () => {
    const roots = pemCertificates(systemRoots({ env: { SSL_CERT_FILE: path } }))
    assert.ok(roots.length > 20)
    assert.ok(!roots.includes(own[1] as string))
  })
}

function file(name: string, content: string): string {
  const path = join(dir, name)
  writeFileSync(path, content)
  return path
}

/** The same certificate with Windows line ends and longer lines. */
function rewrapped(pem: string): string {
  const base64 = pem.replace(/-----[A-Z ]+-----|\s/g, '')
  return `-----BEGIN CERTIFICATE-----\r\n${base64.match(/.{1,76}/g)?.join('\r\n')}\r\n-----END CERTIFICATE-----\r\n`
}
