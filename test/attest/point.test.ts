import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import nacl from 'tweetnacl'
import { isPrimeOrderPoint, littleEndian } from '../../src/attest/point.ts'
import { mixedOrder, smallOrderEncodings } from '../support/ed25519-edges.ts'

const isPoint = (hex: string): boolean => isPrimeOrderPoint(Buffer.from(hex, 'hex'))

test('public keys are taken, whatever the secret', () => {
  const seed = fc.uint8Array({ minLength: 32, maxLength: 32 })
  const taken = (secret: Uint8Array): boolean => isPrimeOrderPoint(nacl.sign.keyPair.fromSeed(secret).publicKey)
  fc.assert(fc.property(seed, taken), { numRuns: 25 })
  // RFC 8032, 7.1, tests 1 and 2.
  assert.ok(isPoint('d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a'))
  assert.ok(isPoint('3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c'))
})

test('points of small order are refused in every encoding, and so are points with a part of small order', () => {
  for (const hex of [...smallOrderEncodings, ...mixedOrder]) assert.ok(!isPoint(hex), hex)
})

test('what is not on the curve, not below the prime or not 32 bytes is refused', () => {
  // RFC 8032, 5.1.3: there is no x for y = 2; y = p + 3 stands for 3.
  for (const hex of ['02'.padEnd(64, '0'), `f0${'ff'.repeat(30)}7f`, 'ff'.repeat(32), '', 'd75a', `${'00'.repeat(33)}`])
    assert.ok(!isPoint(hex), hex)
})

test('most numbers are not taken: half are no point, and of those that are one in eight has prime order', () => {
  const taken = Array.from({ length: 64 }, (_, i) => isPoint((i + 3).toString(16).padStart(2, '0').padEnd(64, '0')))
  const count = taken.filter(Boolean).length
  assert.ok(count >= 1 && count <= 16, String(count))
})

test('numbers are read with their lowest byte first', () => {
  assert.equal(littleEndian(Uint8Array.of(1, 2)), 0x201n)
})
