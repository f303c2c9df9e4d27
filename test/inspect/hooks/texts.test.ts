import assert from 'node:assert/strict'
import test from 'node:test'
import * as fc from 'fast-check'
import { batchesOf, codePointOffsets, locate } from '../../../src/inspect/hooks/texts.ts'
import { textPart } from '../../support/inspection.ts'

const words = fc.array(fc.constantFrom('a', 'ä', '😀', ' ', '\n', 'word', '𝔘𝔫', '漢字'), { maxLength: 60 })
const texts = fc.array(
  words.map((some) => some.join('')),
  { maxLength: 8 },
)

test('every character of every text is in a batch, and is found again at its place', () => {
  fc.assert(
    fc.property(texts, fc.integer({ min: 12, max: 60 }), (some, most) => {
      const batches = batchesOf(
        some.map((text) => textPart(text)),
        most,
        5,
      )
      const seen = some.map((text) => new Set<number>(text.trim() === '' ? text.split('').keys() : []))
      for (const batch of batches) {
        assert.ok(batch.text.length <= most && batch.text.isWellFormed())
        for (let i = 0; i < batch.text.length; i++) {
          for (const { part, start, end } of locate(batch, i, i + 1)) {
            assert.equal(some[part]!.slice(start, end), batch.text[i])
            seen[part]!.add(start)
          }
        }
      }
      assert.deepEqual(
        seen.map(({ size }) => size),
        some.map(({ length }) => length),
      )
    }),
  )
})

test('short texts go together, and what goes over from one to the next is in both', () => {
  const [batch, ...more] = batchesOf([textPart('one'), textPart(' . '), textPart('two')], 100, 5)
  assert.deepEqual([batch!.text, more], ['one\n\ntwo', []])
  assert.deepEqual(locate(batch!, 1, 7), [
    { part: 0, start: 1, end: 3 },
    { part: 2, start: 0, end: 2 },
  ])
})

test('an offset in code points is the one that Array.from counts', () => {
  fc.assert(
    fc.property(
      words.map((some) => some.join('')),
      (text) => {
        const points = [...text]
        const offset = codePointOffsets(text)
        for (let at = 0; at <= points.length; at++) assert.equal(offset(at), points.slice(0, at).join('').length)
        assert.equal(offset(points.length + 1), undefined)
      },
    ),
  )
})
