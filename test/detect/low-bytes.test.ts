import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lowBytesOf } from '../../src/detect/low-bytes.ts'

test('what is round a place is in the block, wherever the place is', () => {
  const text = Array.from({ length: 90_000 }, (_, i) => String.fromCharCode(32 + (i % 90))).join('')
  const low = lowBytesOf(text)
  for (const at of [0, 1, 32_700, 32_767, 32_768, 65_000, 89_999, 3, 70_000]) {
    low.cover(at)
    for (let i = Math.max(0, at - 64); i < Math.min(text.length, at + 64); i++) {
      assert.ok(i >= low.from && i < low.to)
      assert.equal(low.bytes[i - low.from], text.charCodeAt(i))
    }
  }
})

test('of other characters it is the lower byte', () => {
  const low = lowBytesOf('a\u0442\u20ac')
  low.cover(0)
  assert.deepEqual([...low.bytes.subarray(0, low.to)], [0x61, 0x42, 0xac])
})

test('there is none of an empty text', () => {
  const low = lowBytesOf('')
  low.cover(0)
  assert.deepEqual([low.from, low.to], [0, 0])
})
