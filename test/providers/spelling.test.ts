import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { Spelling } from '../../src/core/text.ts'
import { decoded, jsonOffsets, rawOffsets, spelled } from '../../src/providers/spelling.ts'

const spellings: Spelling[] = [[], ['json'], ['json', 'json'], ['form'], ['json', 'json', 'json']]
const anyText = fc.string({ unit: 'binary', maxLength: 40 })

test('what is spelled is decoded to the same text', () => {
  fc.assert(
    fc.property(anyText, fc.constantFrom(...spellings), (text, spelling) => {
      assert.equal(decoded(spelled(text, spelling), spelling), text)
    }),
    { numRuns: 1000 },
  )
})

test('lone surrogates keep their value in JSON, and the spelling is ASCII', () => {
  const text = 'a\ud800b\udfffé😀"\\\n\u2028'
  for (const spelling of [['json'], ['json', 'json']] as const) {
    const raw = spelled(text, spelling)
    assert.equal(decoded(raw, spelling), text)
    assert.match(raw, /^[ -~]*$/)
  }
})

test('offsets in the text are those of the same characters in the body', () => {
  fc.assert(
    fc.property(anyText, fc.constantFrom(...spellings), fc.nat(), fc.nat(), (text, spelling, a, b) => {
      const chars = [...text]
      const cut = (n: number): number => chars.slice(0, n % (chars.length + 1)).join('').length
      const [start, end] = [cut(a), cut(b)].sort((x, y) => x - y) as [number, number]
      const raw = spelled(text, spelling)
      const [rawStart, rawEnd] = rawOffsets(raw, spelling, [start, end]) as [number, number]
      assert.equal(decoded(raw.slice(rawStart, rawEnd), spelling), text.slice(start, end))
      assert.equal(decoded(raw.slice(0, rawStart), spelling), text.slice(0, start))
    }),
    { numRuns: 2000 },
  )
})

test('forms are decoded as browsers write them, and invalid sequences stand for themselves', () => {
  const cases = [
    ['a+b', 'a b'],
    ['a%2Bb%20c', 'a+b c'],
    ['%C3%A9%F0%9F%98%80', 'é😀'],
    ['%E9', 'é'],
    ['%F0%9F%98', 'ð\u009f\u0098'],
    ['100%', '100%'],
    ['%zz%4', '%zz%4'],
    ['%41%', 'A%'],
  ] as const
  for (const [raw, text] of cases) assert.equal(decoded(raw, ['form']), text)
  assert.deepEqual(rawOffsets('%F0%9F%98%80x', ['form'], [0, 1, 2, 3]), [0, 12, 12, 13])
})

test('a line break in a replacement becomes a further data line of the event', () => {
  assert.equal(spelled('a\r\nb\nc\rd', ['sse']), 'a\ndata: b\ndata: c\ndata: d')
})

test('a JSON string is gone over once, asked in ascending order', () => {
  const raw = 'xx\\n\\u00e9yy'
  const offset = jsonOffsets(raw, 2)
  assert.deepEqual([offset(0), offset(1), offset(1), offset(2), offset(3)], [2, 4, 4, 10, 11])
})
