import assert from 'node:assert/strict'
import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import nacl from 'tweetnacl'
import { newDeviceKey, privateKeyFrom, publicKeyFrom, publicKeyOf, publicKeyText } from '../../src/attest/keys.ts'
import { SallyportError } from '../../src/core/errors.ts'
import { mixedOrder, smallOrderEncodings } from '../support/ed25519-edges.ts'

const pem = (key: { export: (as: { format: 'pem'; type: 'spki' }) => string | Buffer }): string =>
  key.export({ format: 'pem', type: 'spki' }) as string

test('a new key is PKCS#8 in PEM and the 32 bytes that tweetnacl derives from its seed', () => {
  const { privatePem, publicKey } = newDeviceKey()
  assert.match(privatePem, /^-----BEGIN PRIVATE KEY-----\n/)
  const key = privateKeyFrom(privatePem)
  const seed = Buffer.from(key.export({ format: 'jwk' }).d as string, 'base64url')
  assert.deepEqual(Buffer.from(nacl.sign.keyPair.fromSeed(seed).publicKey), publicKey)
  assert.deepEqual(publicKeyOf(key), publicKey)
  assert.deepEqual(publicKeyOf(createPublicKey(key)), publicKey)
  assert.notDeepEqual(newDeviceKey().publicKey, publicKey)
})

test('a public key is read as base64url and as PEM, with white space around it', () => {
  const { privatePem, publicKey } = newDeviceKey()
  const text = publicKeyText(publicKey)
  assert.match(text, /^[A-Za-z0-9_-]{43}$/)
  const spki = pem(createPublicKey(privateKeyFrom(privatePem)))
  for (const given of [text, ` ${text}\n`, spki, `\n${spki}\n`, spki.replaceAll('\n', '\r\n')])
    assert.deepEqual(publicKeyFrom(given), publicKey, given)
})

test('nothing else is a public key, a private one least of all', () => {
  const { privatePem, publicKey } = newDeviceKey()
  const text = publicKeyText(publicKey)
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const others = [
    '',
    text.slice(1),
    `${text}A`,
    `${text}=`,
    publicKey.toString('hex'),
    publicKey.toString('base64'),
    privatePem,
    pem(ec.publicKey),
    pem(generateKeyPairSync('x25519').publicKey),
    pem(generateKeyPairSync('ed448').publicKey),
    '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----',
    `${text}${' '.repeat(10)}${text}`,
    'x'.repeat(1_000_000),
  ]
  for (const given of others) assert.equal(publicKeyFrom(given), undefined, given.slice(0, 80))
})

test('a key with which verifiers disagree is refused, as base64url and as PEM', () => {
  for (const hex of [...smallOrderEncodings, ...mixedOrder]) {
    const bytes = Buffer.from(hex, 'hex')
    assert.equal(publicKeyFrom(publicKeyText(bytes)), undefined, hex)
    const spki = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), bytes]).toString('base64')
    assert.equal(publicKeyFrom(`-----BEGIN PUBLIC KEY-----\n${spki}\n-----END PUBLIC KEY-----`), undefined, hex)
  }
})

test('what is no Ed25519 private key is refused, and the error repeats nothing of it', () => {
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'pem', type: 'pkcs8' })
  const { privatePem } = newDeviceKey()
  const locked = privateKeyFrom(privatePem).export({
    format: 'pem',
    type: 'pkcs8',
    cipher: 'aes-256-cbc',
    passphrase: 'x',
  })
  const cut = privatePem.slice(0, 60)
  for (const text of ['', 'secret-text', ec as string, locked as string, cut, pem(createPublicKey(privatePem))]) {
    assert.throws(
      () => privateKeyFrom(text),
      (error) => {
        assert.ok(error instanceof SallyportError)
        assert.equal(error.code, 'config_invalid')
        assert.equal(error.cause, undefined)
        assert.ok(!/secret-text|MC4C|BEGIN/.test(error.message))
        return true
      },
    )
  }
})
