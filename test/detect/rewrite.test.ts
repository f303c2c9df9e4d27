import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rewritten } from '../../src/detect/rewrite.ts'

const text = 'see \\u0041\\u004bIA\n  7 there'
const form = rewritten(text, 4, text.length, [
  { start: 4, end: 10, text: 'A' },
  { start: 10, end: 16, text: 'K' },
  { start: 18, end: 21, text: '' },
])

test('changes are made, and nothing else', () => {
  assert.equal(form.text, 'AKIA7 there')
})

test('every place leads back to what it came from', () => {
  const parts = [...form.text].map((_, i) => text.slice(form.startOf(i), form.endOf(i + 1)))
  assert.deepEqual(parts.slice(0, 6), ['\\u0041', '\\u004b', 'I', 'A', '7', ' '])
  assert.equal(text.slice(form.startOf(0), form.endOf(5)), '\\u0041\\u004bIA\n  7')
  assert.equal(form.startOf(form.text.length), text.length)
})
