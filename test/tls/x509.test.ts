import assert from 'node:assert/strict'
import { createPublicKey, generateKeyPairSync, type KeyObject, X509Certificate } from 'node:crypto'
import test from 'node:test'
import { decodeDer, encodeDer } from '../../src/lib/der.ts'
import * as x509 from '../../src/tls/x509.ts'

const kinds: [what: string, key: KeyObject][] = [
  ['EC P-256', generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey],
  ['EC P-384', generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey],
  ['EC P-521', generateKeyPairSync('ec', { namedCurve: 'P-521' }).privateKey],
  ['RSA', generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey],
  ['Ed25519', generateKeyPairSync('ed25519').privateKey],
]

for (const [what, key] of kinds) {
  test(`a certificate signed with an ${what} key verifies and is read back`, () => {
    const der = certificate(key)
    const parsed = new X509Certificate(der)
    assert.ok(parsed.verify(createPublicKey(key)))
    assert.ok(parsed.checkIssued(parsed))
    const issuer = x509.readIssuer(der)
    assert.deepEqual(encodeDer(issuer.subject), encodeDer(subject))
    assert.deepEqual(issuer.keyId, x509.keyIdOf(x509.publicKeyInfo(key)))
  })
}

test('a serial number is positive, of 127 bits, and not drawn twice', () => {
  const serials = Array.from({ length: 500 }, () => x509.randomSerial())
  for (const serial of serials)
    assert.ok(serial.length === 16 && (serial[0] as number) >= 0x40 && (serial[0] as number) < 0x80)
  assert.equal(new Set(serials.map((serial) => serial.toString('hex'))).size, 500)
})

test('key usage is written without trailing zero bits, as DER wants it', () => {
  assert.equal(encodeDer(x509.keyUsage(0x80)).toString('hex'), '03020780')
  assert.equal(encodeDer(x509.keyUsage(0x06)).toString('hex'), '03020106')
  assert.equal(encodeDer(x509.keyUsage(0x01)).toString('hex'), '03020001')
})

test('the key identifier is 160 bits of a hash over the key itself', () => {
  const info = x509.publicKeyInfo(kinds[0]?.[1] as KeyObject)
  assert.equal(x509.keyIdOf(info).length, 20)
  assert.notDeepEqual(x509.keyIdOf(info), x509.keyIdOf(x509.publicKeyInfo(kinds[3]?.[1] as KeyObject)))
})

test('bytes that are no certificate are refused, at every cut', () => {
  const der = certificate(kinds[0]?.[1] as KeyObject)
  for (let cut = 0; cut < der.length; cut += 1) assert.throws(() => x509.readIssuer(der.subarray(0, cut)))
  assert.throws(() => x509.readIssuer(encodeDer(decodeDer(Buffer.from('3000', 'hex')))), TypeError)
})

const subject = x509.distinguishedName({ organization: 'Test', commonName: 'é' })

function certificate(key: KeyObject): Buffer {
  const fields = { serial: x509.randomSerial(), issuer: subject, subject, notBefore: 0, notAfter: 4e12 }
  return x509.signedCertificate({ ...fields, publicKey: x509.publicKeyInfo(key), extensions: [] }, key)
}
