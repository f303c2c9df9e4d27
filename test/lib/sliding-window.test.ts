import assert from 'node:assert/strict'
import test from 'node:test'
import * as fc from 'fast-check'
import { firstSlice, sliceAt, weigh } from '../../src/lib/sliding-window.ts'
import type { Slice } from '../../src/lib/sliding-window.ts'

/** Admits what it may of the given times, as the counters do. */
function admitted(times: readonly number[], limit: { max: number; windowMs: number }): number[] {
  const slices: { slice: number; count: number }[] = []
  const taken: number[] = []
  for (const now of times) {
    const counted: Slice[] = slices.filter(({ slice }) => slice >= firstSlice(now, limit.windowMs))
    if (!weigh(counted, limit, now).admitted) continue
    taken.push(now)
    const slice = sliceAt(now, limit.windowMs)
    const last = slices.at(-1)
    if (last?.slice === slice) last.count++
    else slices.push({ slice, count: 1 })
  }
  return taken
}

test('whenever they come, no stretch of the length of the window has more than the limit', () => {
  const gaps = fc.array(fc.integer({ min: 0, max: 700 }), { maxLength: 80 })
  fc.assert(
    fc.property(gaps, fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 3_000 }), (some, max, windowMs) => {
      let at = 1_700_000_000_000
      const times = admitted(
        some.map((gap) => (at += gap)),
        { max, windowMs },
      )
      return times.every((time, i) => i < max || time - times[i - max]! > windowMs)
    }),
  )
})

test('after the time that a refusal names, one is admitted again; a moment before, none is', () => {
  const limit = { max: 3, windowMs: 60_000 }
  const now = 1_700_000_012_345
  const slices = [{ slice: sliceAt(now, limit.windowMs), count: 3 }]
  const refused = weigh(slices, limit, now)
  assert.ok(!refused.admitted)
  const at = (time: number) => slices.filter(({ slice }) => slice >= firstSlice(time, limit.windowMs))
  assert.equal(weigh(at(now + refused.retryAfterMs), limit, now + refused.retryAfterMs).admitted, true)
  assert.equal(weigh(at(now + refused.retryAfterMs - 1), limit, now + refused.retryAfterMs - 1).admitted, false)
  assert.ok(refused.retryAfterMs <= limit.windowMs * (1 + 1 / 100))
})

test('a clock that was put back keeps nobody waiting for longer than about the window', () => {
  const limit = { max: 1, windowMs: 1_000 }
  const refused = weigh([{ slice: sliceAt(9_000_000, 1_000), count: 1 }], limit, 1_000)
  assert.ok(!refused.admitted && refused.retryAfterMs <= 1_010)
})
