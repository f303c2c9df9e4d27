import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { Match } from '../../src/core/verdict.ts'
import { resolved, resolvedInSteps } from '../../src/detect/overlaps.ts'

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

test('many matches come out as if the best were taken one after another', () => {
  const match = fc.record({
    start: fc.nat(60),
    length: fc.integer({ min: 1, max: 12 }),
    confidence: fc.constantFrom(0.5, 0.7, 0.9),
    rule: fc.constantFrom('a', 'b'),
  })
  fc.assert(
    fc.property(fc.array(match, { maxLength: 30 }), (list) => {
      const matches = list.map(({ start, length, confidence, rule }): Match => {
        return { type: 'T', rule, start, end: start + length, confidence, severity: 'low' }
      })
      const ranked = matches.toSorted(
        (a, b) =>
          b.confidence - a.confidence ||
          b.end - b.start - (a.end - a.start) ||
          a.start - b.start ||
          a.rule.localeCompare(b.rule),
      )
      const taken: Match[] = []
      for (const one of ranked) if (taken.every((two) => two.end <= one.start || two.start >= one.end)) taken.push(one)
      assert.deepEqual(
        resolved(matches),
        taken.toSorted((a, b) => a.start - b.start),
      )
    }),
  )
})

test('very many are resolved in steps, to the same', () => {
  const places = fc.array(fc.tuple(fc.nat(60_000), fc.integer({ min: 1, max: 9 }), fc.nat(3)), { maxLength: 60 })
  fc.assert(
    fc.property(places, (list) => {
      const matches = list.map(([start, length, confidence]) => match(start, start + length, confidence / 4))
      assert.deepEqual(atOnce(resolvedInSteps(matches)).left, resolved(matches))
    }),
  )
  const many = Array.from({ length: 50_000 }, (_, i) =>
    match(i * 10, i * 10 + (i % 3 === 0 ? 12 : 5), 0.5),
  ).toReversed()
  const { left, steps } = atOnce(resolvedInSteps(many))
  assert.deepEqual(left, resolved(many))
  assert.ok(steps >= 30, `${steps}`)
})

function atOnce(steps: Generator<void, Match[]>): { left: Match[]; steps: number } {
  for (let taken = 0; ; taken++) {
    const step = steps.next()
    if (step.done === true) return { left: step.value, steps: taken }
  }
}
