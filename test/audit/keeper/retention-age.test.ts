import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { agedThrough, lookAtClock } from '../../../src/audit/keeper/retention-age.ts'

const DAY = 86_400_000
const NOW = Date.UTC(2026, 10, 21)
const before = NOW - 90 * DAY

/** Blocks by the days before now that they say. */
const blocks = (...daysAgo: number[]) => daysAgo.map((days, n) => ({ n, at: new Date(NOW - days * DAY).toISOString() }))

test('up to the first block that is young all are old', () => {
  const cases: [string, number[], number | undefined][] = [
    ['none is old', [80, 70], undefined],
    ['some', [200, 100, 91, 89, 1], 2],
    ['all', [200, 100], 1],
    ['an old one after a young one stays', [80, 200, 1], undefined],
    ['of the future, before old ones: as old as they', [-5000, 100, 95, 80], 2],
    ['of the future, between old and young: stays', [100, -5000, 80], 0],
    ['of the future at the end: stays', [100, -5000], 0],
    ['from before there were ledgers, before young ones: stays', [20_000, 80], undefined],
    ['from before there were ledgers, before old ones', [20_000, 100, 80], 1],
    ['a clock that went back for a while', [100, 5_000, 80], 0],
    ['a clock that was ahead for a while', [200, 120, 150, 149, 119, 80], 4],
    ['a time that is none', [100, Number.NaN, 95, 80].map((days) => days), 2],
  ]
  for (const [what, daysAgo, through] of cases) {
    const dated = daysAgo.map((days, n) => ({
      n,
      at: Number.isNaN(days) ? 'never' : new Date(NOW - days * DAY).toISOString(),
    }))
    assert.equal(agedThrough(dated, { before, now: NOW }), through, what)
  }
})

test('a first block that says it is older than what went before it is not believed', () => {
  const after = NOW - 91 * DAY
  assert.equal(agedThrough(blocks(1_000, 80), { before, now: NOW, after }), undefined)
  assert.equal(agedThrough(blocks(90.5, 80), { before, now: NOW, after }), 0)
})

test('with a true clock as many go as are old; with a false one at times none that is young', () => {
  const steps = fc.array(
    fc.record({
      days: fc.double({ min: 0, max: 30, noNaN: true }),
      wrong: fc.option(fc.integer({ min: -40_000, max: 40_000 })),
    }),
    { maxLength: 30 },
  )
  fc.assert(
    fc.property(steps, fc.boolean(), (made, honest) => {
      let age = made.reduce((sum, { days }) => sum + days, 0) + 1
      const truth = made.map(({ days, wrong }, n) => {
        const true_ = age
        age -= days
        // What a clock says that is ahead of now, or years behind.
        const told = honest || wrong === null || Math.abs(wrong) < 3_000 ? true_ : wrong
        return { n, true_, at: new Date(NOW - told * DAY).toISOString() }
      })
      const through = agedThrough(truth, { before, now: NOW }) ?? -1
      for (const { n, true_ } of truth) {
        if (n <= through) assert.ok(true_ > 90 - 1 / 12)
        else if (honest) assert.ok(true_ < 90 + 1 / 12)
      }
    }),
  )
})

test('a clock that went far ahead is doubted for a day, then believed', () => {
  const first = lookAtClock(undefined, NOW, 30 * DAY)
  assert.deepEqual(first, { seen: NOW, doubtUntil: null })
  assert.equal(lookAtClock(first, NOW + 29 * DAY, 30 * DAY).doubtUntil, null)
  const jumped = NOW + 4_000 * DAY
  const doubting = lookAtClock(first, jumped, 30 * DAY)
  assert.equal(doubting.doubtUntil, jumped + DAY)
  const still = lookAtClock(doubting, jumped + DAY - 1, 30 * DAY)
  assert.equal(still.doubtUntil, jumped + DAY)
  assert.equal(lookAtClock(still, jumped + DAY, 30 * DAY).doubtUntil, null)
  // Set right again.
  assert.deepEqual(lookAtClock(still, NOW + DAY, 30 * DAY), { seen: NOW + DAY, doubtUntil: null })
})
