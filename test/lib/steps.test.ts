import assert from 'node:assert/strict'
import { test } from 'node:test'
import { atOnce, inTurns } from '../../src/lib/steps.ts'
import type { Steps } from '../../src/lib/steps.ts'

function* counting(steps: number, seen: number[], turn: () => number): Steps<string> {
  for (let i = 0; i < steps; i++) {
    seen.push(turn())
    yield
  }
  return 'done'
}

/** How many turns of the event loop there were. */
function turns(): { readonly count: () => number; readonly [Symbol.dispose]: () => void } {
  let count = 0
  const next = (): void => {
    count++
    handle = setImmediate(next)
  }
  let handle = setImmediate(next)
  return { count: () => count, [Symbol.dispose]: () => clearImmediate(handle) }
}

test('work that is not interrupted gives what it comes to', () => {
  assert.equal(atOnce(counting(3, [], () => 0)), 'done')
})

test('work in turns lets the event loop go on when its time is over', async () => {
  using loop = turns()
  const seen: number[] = []
  let time = 0
  // Each look at the clock is a millisecond: with three a turn, two or three steps fit.
  assert.equal(await inTurns(counting(12, seen, loop.count), 3, () => time++), 'done')
  const perTurn = Map.groupBy(seen, (turn) => turn)
  assert.ok(perTurn.size >= 4, `${perTurn.size} turns`)
  for (const steps of perTurn.values()) assert.ok(steps.length <= 3)
})

test('what a step throws rejects the whole', async () => {
  function* failing(): Steps<void> {
    yield
    throw new RangeError('too much')
  }
  await assert.rejects(inTurns(failing(), 1), /too much/)
  assert.throws(() => atOnce(failing()), /too much/)
})
