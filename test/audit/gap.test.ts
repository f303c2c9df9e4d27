import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Counts, gapBook } from '../../src/audit/gap.ts'

function book() {
  const state = { now: 0, counts: { forwarded: 0, turnedAway: 0, givenUp: 0 } as Counts }
  return {
    state,
    ...gapBook(
      () => state.counts,
      () => state.now,
    ),
  }
}

test('what an outage cost is told once, when it is over', () => {
  const { state, began, over } = book()
  state.now = 1_000
  began('disk full')
  began('still full')
  state.now = 9_000
  state.counts = { forwarded: 3, turnedAway: 5, givenUp: 1 }
  assert.deepEqual(over(), {
    from: 1_000,
    to: 9_000,
    reason: 'disk full',
    cost: { forwarded: 3, turnedAway: 2, givenUp: 1 },
  })
  assert.equal(over(), undefined)
  began('again')
  state.now = 20_000
  assert.deepEqual(over()?.cost, { forwarded: 0, turnedAway: 0, givenUp: 0 })
})

test('a moment that cost nothing is not told, one in which something was given up is', () => {
  const { state, began, counted, over } = book()
  began('busy')
  state.now = 999
  assert.equal(over(), undefined)
  state.counts = { forwarded: 0, turnedAway: 0, givenUp: 1 }
  counted()
  assert.deepEqual(over(), { from: 999, to: 999, reason: null, cost: { forwarded: 0, turnedAway: 0, givenUp: 1 } })
})

test('a clock that goes back ends no outage before it began being told', () => {
  const { state, began, over } = book()
  state.now = 1_000_000
  began('disk full')
  state.now = 0
  state.counts = { forwarded: 1, turnedAway: 1, givenUp: 0 }
  assert.partialDeepStrictEqual(over(), { from: 1_000_000, to: 0, cost: { forwarded: 1 } })
})
