import assert from 'node:assert/strict'
import { createDecipheriv, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { zstdDecompressSync } from 'node:zlib'
import * as fc from 'fast-check'
import {
  fingerprintOf,
  keyFor,
  MAX_HEAD_BYTES,
  readSealHead,
  sealed,
  sealer,
  unsealed,
} from '../../../src/audit/bodies/seal.ts'

const key = { id: 'k2', key: randomBytes(32) }
const old = { id: 'k1', key: randomBytes(32) }
const place = { id: '0197a3c2-0000-7000-8000-000000000001', side: 'request' } as const
const content = Buffer.from('a prompt with words '.repeat(20))

test('what was sealed for a place opens there, with any of the keys', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 500 }), fc.boolean(), (bytes, first) => {
      const body = sealed(first ? key : old, place, bytes)
      const opened = unsealed(body, [key, old], place, 500)
      assert.ok(Buffer.isBuffer(opened) && opened.equals(bytes))
    }),
  )
})

test('the layout is the documented one, and opens with nothing but AES-256-GCM and zstd', () => {
  const body = sealed(key, place, content)
  assert.equal(body.subarray(0, 5).toString('latin1'), 'SPB\x01\x02')
  assert.equal(body.subarray(5, 7).toString(), 'k2')
  assert.ok(body.subarray(7, 15).equals(fingerprintOf(key.key)))
  const decipher = createDecipheriv('aes-256-gcm', key.key, body.subarray(15, 27))
  decipher.setAAD(Buffer.concat([body.subarray(0, 27), Buffer.from(`${place.id}\0request`)]))
  decipher.setAuthTag(body.subarray(-16))
  const frame = Buffer.concat([decipher.update(body.subarray(27, -16)), decipher.final()])
  assert.ok(zstdDecompressSync(frame).equals(content))
})

test('it opens in no other place, so contents cannot be swapped', () => {
  const body = sealed(key, place, content)
  for (const other of [
    { ...place, side: 'response' as const },
    { ...place, id: place.id.replace('1', '2') },
  ]) {
    assert.throws(() => unsealed(body, [key], other, 1_000))
  }
})

test('cut at any byte, or with any byte changed, it gives no content', () => {
  const body = sealed(key, place, content)
  const refused = (altered: Buffer): boolean => {
    try {
      return !Buffer.isBuffer(unsealed(altered, [key], place, 1_000))
    } catch {
      return true
    }
  }
  for (let at = 0; at < body.length; at += 1) {
    assert.ok(refused(body.subarray(0, at)), `cut at ${at}`)
    const changed = Buffer.from(body)
    changed[at] = changed[at]! ^ 1
    assert.ok(refused(changed), `changed at ${at}`)
  }
  assert.ok(refused(Buffer.concat([body, Buffer.of(0)])))
})

test('more than the bound is not given out', () => {
  assert.throws(() => unsealed(sealed(key, place, content), [key], place, content.length - 1))
})

test('without its key it says which one is wanted, and tells a wrong key of that name from none', () => {
  const body = sealed(key, place, content)
  assert.deepEqual(unsealed(body, [old], place, 1_000), { kind: 'no-key', keyId: 'k2', other: false })
  const wrong = { id: 'k2', key: randomBytes(32) }
  assert.deepEqual(unsealed(body, [wrong], place, 1_000), { kind: 'no-key', keyId: 'k2', other: true })
})

test('each body has a nonce of its own, also the same body twice', () => {
  const nonces = Array.from({ length: 200 }, () => readSealHead(sealer(key, place).head)?.nonce.toString('hex'))
  assert.equal(new Set(nonces).size, 200)
})

test('the beginning of any file is read without a fault, and the longest id fits', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => void readSealHead(bytes)))
  const longest = { id: 'k'.repeat(255), key: randomBytes(32) }
  const { head } = sealer(longest, place)
  assert.equal(head.length, MAX_HEAD_BYTES)
  assert.equal(readSealHead(head)?.keyId, longest.id)
  assert.equal(keyFor(readSealHead(head)!, [longest]), longest)
})
