import assert from 'node:assert/strict'
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import test from 'node:test'
import { boolean, integer, sequence } from '../../src/lib/der.ts'
import { authorityOf, outsideConstraints, pemCertificates } from '../../src/tls/authority.ts'
import { mintLeaf, newLeafKey, pemOf } from '../../src/tls/mint.ts'
import {
  distinguishedName,
  extension,
  OID,
  publicKeyInfo,
  randomSerial,
  signedCertificate,
} from '../../src/tls/x509.ts'
import { testAuthority } from '../support/authority.ts'

const now = Date.now()
const source = { certificate: 'ca.pem', key: 'ca.key' }

test('an authority that other code made is read: name, end, key identifier, no limits', () => {
  const other = testAuthority('Another root')
  const authority = authorityOf({ certificates: other.cert, key: other.key, passphrase: null, source }, now)
  assert.equal(authority.name, 'Another root')
  assert.equal(authority.permitted, 'any')
  assert.equal(authority.chainPem, '')
  assert.match(authority.fingerprint, /^[0-9a-f]{64}$/)
  assert.deepEqual(outsideConstraints(['*'], authority), [])
  const leaf = mintLeaf(authority, newLeafKey(), 'a.example', { now, hours: 1 })
  assert.ok(leaf.der.includes(authority.issuer.keyId))
})

test('an intermediate is sent along with its chain, and a root is not', () => {
  const root = pair()
  const middle = pair()
  const rootPem = certificate('Root', root, 'Root', root)
  const middlePem = certificate('Middle', middle, 'Root', root)
  const files = {
    certificates: `${middlePem}\n# the root\n${rootPem}`,
    key: pemOfKey(middle),
    passphrase: null,
    source,
  }
  const authority = authorityOf(files, now)
  assert.equal(authority.name, 'Middle')
  assert.equal(authority.certificatePem, middlePem)
  assert.equal(authority.chainPem, middlePem + rootPem)
})

test('a leaf in the place of an authority is refused', () => {
  const { cert, key } = testAuthority().issue(['a.example'])
  const files = { certificates: cert, key, passphrase: null, source }
  assert.throws(() => authorityOf(files, now), /ca\.pem is not the certificate of an authority/)
})

test('a key that cannot sign certificates here is refused by its kind', () => {
  const key = pemOfKey(generateKeyPairSync('x25519').privateKey)
  const files = { certificates: testAuthority().cert, key, passphrase: null, source }
  assert.throws(() => authorityOf(files, now), /a key of a kind that cannot sign/)
})

test('no message and no cause repeats the key file', () => {
  const files = { certificates: testAuthority().cert, key: 'a secret that is no key', passphrase: null, source }
  assert.throws(
    () => authorityOf(files, now),
    (error: Error) => {
      assert.doesNotMatch(`${error.message} ${String(error.cause)}`, /secret/)
      return true
    },
  )
})

test('certificates are found in a PEM file whatever stands between them and however lines end', () => {
  const { cert } = testAuthority()
  assert.deepEqual(pemCertificates(`subject=x\r\n${cert.replaceAll('\n', '\r\n')}\r\n# y\n${cert}`), [cert, cert])
  assert.deepEqual(pemCertificates(''), [])
})

function pair(): KeyObject {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
}

function pemOfKey(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }) as string
}

function certificate(subject: string, key: KeyObject, issuer: string, signer: KeyObject): string {
  const fields = {
    serial: randomSerial(),
    issuer: distinguishedName({ organization: 'Test', commonName: issuer }),
    subject: distinguishedName({ organization: 'Test', commonName: subject }),
    notBefore: now - 3_600_000,
    notAfter: now + 3_600_000,
    publicKey: publicKeyInfo(key),
    extensions: [extension(OID.basicConstraints, true, sequence(boolean(true), integer(1)))],
  }
  return pemOf('CERTIFICATE', signedCertificate(fields, signer))
}
