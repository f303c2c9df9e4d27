import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { Match } from '../../src/core/verdict.ts'
import { resolved } from '../../src/detect/overlaps.ts'

const match = (start: number, end: number, confidence: number): Match => ({
  type: 'X',
  rule: 'x',
  start,
  end,
  confidence,
  severity: 'low',
})

test('the more confident match wins, then the longer, then the earlier', () => {
  assert.deepEqual(resolved([match(0, 9, 0.5), match(5, 8, 0.9)]), [match(5, 8, 0.9)])
  assert.deepEqual(resolved([match(0, 4, 0.5), match(2, 9, 0.5)]), [match(2, 9, 0.5)])
  assert.deepEqual(resolved([match(2, 6, 0.5), match(0, 4, 0.5)]), [match(0, 4, 0.5)])
  assert.deepEqual(resolved([match(4, 6, 0.5), match(0, 4, 0.5)]), [match(0, 4, 0.5), match(4, 6, 0.5)])
})

test('what is left is in order, without overlaps, and nothing that fits is dropped', () => {
  const some = fc.array(fc.tuple(fc.nat(50), fc.integer({ min: 1, max: 9 }), fc.nat(3)), { maxLength: 30 })
  fc.assert(
    fc.property(some, (list) => {
      const matches = list.map(([start, length, confidence]) => match(start, start + length, confidence / 4))
      const left = resolved(matches)
      for (let i = 1; i < left.length; i++) assert.ok((left[i - 1] as Match).end <= (left[i] as Match).start)
      for (const one of matches) assert.ok(left.some((kept) => kept.start < one.end && one.start < kept.end))
    }),
  )
})
