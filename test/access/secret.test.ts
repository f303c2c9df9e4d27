import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isSecretShaped, newSecret, sameText, secretHash } from '../../src/access/secret.ts'

test('a secret is sp- and 43 base64url characters, and never the same twice', () => {
  const some = Array.from({ length: 50 }, newSecret)
  for (const secret of some) assert.match(secret, /^sp-[A-Za-z0-9_-]{43}$/)
  assert.equal(new Set(some).size, some.length)
  assert.ok(some.every(isSecretShaped))
})

const misshapen = [
  '',
  'sp-',
  `sp-${'a'.repeat(42)}`,
  `sp-${'a'.repeat(44)}`,
  `sk-${'a'.repeat(43)}`,
  `sp-${'a'.repeat(42)}+`,
  `sp-${'a'.repeat(43)}\n`,
]

for (const text of misshapen) {
  test(`${JSON.stringify(text)} is no secret`, () => assert.equal(isSecretShaped(text), false))
}

test('the hash depends on the secret and on the key, and takes no short key', () => {
  const secret = newSecret()
  const [one, other] = [secretHash(Buffer.alloc(32, 1)), secretHash(Buffer.alloc(32, 2))]
  assert.deepEqual(one(secret), one(secret))
  assert.equal(one(secret).length, 32)
  assert.notDeepEqual(one(secret), other(secret))
  assert.notDeepEqual(one(secret), one(newSecret()))
  for (const length of [0, 16, 31, 33]) assert.throws(() => secretHash(Buffer.alloc(length)), RangeError)
})

test('texts are the same or not, whatever their length', () => {
  assert.equal(sameText('ci', 'ci'), true)
  for (const other of ['', 'c', 'cj', 'ci ', 'CI']) assert.equal(sameText('ci', other), false)
})
