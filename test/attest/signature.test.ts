import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import nacl from 'tweetnacl'
import { isPrimeOrderPoint, L, littleEndian } from '../../src/attest/point.ts'
import { isStrict, signatureCheck } from '../../src/attest/signature.ts'
import { disputed, smallOrderEncodings } from '../support/ed25519-edges.ts'

const hex = (text: string): Buffer => Buffer.from(text, 'hex')

// RFC 8032, 7.1, tests 1 to 3, and RFC 8037, A.4, with the key of the first.
const vectors = [
  {
    key: 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
    message: hex(''),
    signature: hex(
      'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
    ),
  },
  {
    key: '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
    message: hex('72'),
    signature: hex(
      '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
    ),
  },
  {
    key: 'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025',
    message: hex('af82'),
    signature: hex(
      '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
    ),
  },
  {
    key: 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
    message: Buffer.from('eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc'),
    signature: Buffer.from(
      'hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg',
      'base64url',
    ),
  },
]

test('the examples of RFC 8032 and RFC 8037 verify, and not with a byte more or less', async () => {
  const fits = signatureCheck()
  for (const { key, message, signature } of vectors) {
    assert.ok(await fits(message, signature, hex(key)))
    assert.ok(!(await fits(Buffer.concat([message, hex('00')]), signature, hex(key))))
    assert.ok(!(await fits(message, Buffer.concat([signature, hex('00')]), hex(key))))
    assert.ok(!(await fits(message, signature.subarray(0, 63), hex(key))))
  }
})

test('with any bit of the signature, the message or the key the other way it does not fit, and tweetnacl says the same', async () => {
  const { publicKey, secretKey } = nacl.sign.keyPair()
  const message = Buffer.from('header.claims')
  const signature = nacl.sign.detached(message, secretKey)
  const fits = signatureCheck()
  assert.ok(await fits(message, signature, publicKey))
  for (let bit = 0; bit < 512; bit++)
    assert.ok(!(await fits(message, flipped(signature, bit), publicKey)), `signature ${bit}`)
  for (let bit = 0; bit < message.length * 8; bit++)
    assert.ok(!(await fits(flipped(message, bit), signature, publicKey)))
  for (let bit = 0; bit < 256; bit++)
    assert.ok(!(await fits(message, signature, flipped(publicKey, bit))), `key ${bit}`)
  for (const bit of [0, 255, 256, 511])
    assert.ok(!nacl.sign.detached.verify(message, flipped(signature, bit), publicKey))
})

test('what tweetnacl signs fits; the rule for keys and signatures refuses none of them', async () => {
  const fits = signatureCheck()
  const seeds = fc.uint8Array({ minLength: 32, maxLength: 32 })
  await fc.assert(
    fc.asyncProperty(seeds, fc.uint8Array({ maxLength: 200 }), async (seed, message) => {
      const { publicKey, secretKey } = nacl.sign.keyPair.fromSeed(seed)
      assert.ok(await fits(message, nacl.sign.detached(message, secretKey), publicKey))
    }),
    { numRuns: 25 },
  )
})

test('where verifiers disagree, one of the two rules refuses: that of keys or that of signatures', async () => {
  const fits = signatureCheck()
  for (const { odd, message, key, signature } of disputed) {
    const taken = isPrimeOrderPoint(hex(key)) && (await fits(hex(message), hex(signature), hex(key)))
    assert.ok(!taken, odd)
  }
})

test('a second S for the same signature is refused, although tweetnacl takes it', async () => {
  const { publicKey, secretKey } = nacl.sign.keyPair()
  const message = Buffer.from('message')
  const signature = nacl.sign.detached(message, secretKey)
  const second = Buffer.concat([signature.subarray(0, 32), bytesOf(littleEndian(signature.subarray(32)) + L)])
  assert.ok(nacl.sign.detached.verify(message, second, publicKey))
  assert.ok(!(await signatureCheck()(message, second, publicKey)))
})

test('S is below L, and R canonical and not of small order', () => {
  const { publicKey } = nacl.sign.keyPair()
  assert.ok(isStrict(Buffer.concat([publicKey, bytesOf(L - 1n)])))
  for (const s of [L, L + 1n, 2n ** 256n - 1n]) assert.ok(!isStrict(Buffer.concat([publicKey, bytesOf(s)])))
  for (const r of [...smallOrderEncodings, `f0${'ff'.repeat(30)}7f`, 'ff'.repeat(32)])
    assert.ok(!isStrict(Buffer.concat([hex(r), bytesOf(1n)])), r)
})

test('a key that is no point never fits and never throws', async () => {
  const fits = signatureCheck()
  const { secretKey } = nacl.sign.keyPair()
  const signature = nacl.sign.detached(Buffer.from('m'), secretKey)
  for (const key of ['02'.padEnd(64, '0'), 'ff'.repeat(32), 'ff'.repeat(31), ''])
    assert.equal(await fits(Buffer.from('m'), signature, hex(key)), false, key)
})

function flipped(bytes: Uint8Array, bit: number): Buffer {
  const copy = Buffer.from(bytes)
  copy[bit >> 3] = (copy[bit >> 3] as number) ^ (1 << (bit & 7))
  return copy
}

function bytesOf(number: bigint): Buffer {
  return Buffer.from(Buffer.from(number.toString(16).padStart(64, '0'), 'hex').toReversed())
}
