import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { percentilesOf } from '../../../src/audit/find/percentiles.ts'

test('percentiles are values that stand at their place once all are sorted', () => {
  const values = fc.array(fc.oneof(fc.integer({ min: 0, max: 5 }), fc.double({ noNaN: true })), {
    minLength: 1,
    maxLength: 400,
  })
  fc.assert(
    fc.property(values, (list) => {
      const sorted = Float64Array.from(list).sort()
      const at = (share: number) => sorted[Math.min(list.length - 1, Math.floor(list.length * share))]
      const { p50, p99 } = percentilesOf(Float64Array.from(list))
      assert.ok(p50 === at(0.5) && p99 === at(0.99))
    }),
  )
})

test('of nothing there are none, and orders that are hard on a selection are no trouble', () => {
  assert.deepEqual(percentilesOf(new Float64Array()), { p50: null, p99: null })
  const length = 200_000
  for (const laid of [(i: number) => i, (i: number) => -i, () => 7, (i: number) => (i % 2 === 0 ? i : length - i)]) {
    const values = Float64Array.from({ length }, (_, i) => laid(i))
    const sorted = values.slice().sort()
    assert.deepEqual(percentilesOf(values), { p50: sorted[length / 2], p99: sorted[(length * 99) / 100] })
  }
})
