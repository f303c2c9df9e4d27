import assert from 'node:assert/strict'
import { test } from 'node:test'
import { budgetOf } from '../support/budget.ts'

const here = new AbortController().signal

/** What is settled of a promise by now: its value's name, or the code it rejected with. */
async function now(promise: Promise<unknown>): Promise<unknown> {
  const later = new Promise((resolve) => setImmediate(resolve, 'waits'))
  return Promise.race([promise.then(() => 'in').catch((error: { code: string }) => error.code), later])
}

test('room is taken and given back, and never more than there is', () => {
  const budget = budgetOf(100)
  const [one, two] = [budget.lease(here), budget.lease(here)]
  assert.deepEqual([one.take(60), two.take(41), two.take(40), one.take(1)], [true, false, true, false])
  one.give(1_000)
  assert.deepEqual([budget.used, one.held, two.held], [40, 0, 40])
  one.end()
  two.end()
  two.end()
  assert.equal(budget.used, 0)
})

test('who waits is let in by turns, and nobody who comes later overtakes', async () => {
  const budget = budgetOf(100)
  const held = budget.lease(here)
  held.take(100)
  const first = budget.lease(here).wait(80)
  const second = budget.lease(here).wait(10)
  held.give(50)
  assert.deepEqual([await now(first), await now(second), budget.take(1)], ['waits', 'waits', false])
  held.give(30)
  assert.deepEqual([await now(first), await now(second), budget.waiting], ['in', 'waits', 1])
  held.end()
  assert.deepEqual([await now(second), budget.used], ['in', 90])
})

test('what is larger than all there is goes alone', async () => {
  const budget = budgetOf(100)
  const held = budget.lease(here)
  held.take(1)
  const huge = budget.lease(here)
  const waiting = huge.wait(1_000)
  assert.equal(await now(waiting), 'waits')
  held.end()
  assert.deepEqual([await now(waiting), budget.used, budget.take(1)], ['in', 1_000, false])
  huge.end()
  assert.ok(budget.take(1))
})

test('who leaves no longer waits, and lets the next in', async () => {
  const budget = budgetOf(100)
  const held = budget.lease(here)
  held.take(50)
  const client = new AbortController()
  const first = budget.lease(client.signal).wait(80)
  const second = budget.lease(here).wait(50)
  client.abort()
  assert.deepEqual([await now(first), await now(second)], ['client_aborted', 'in'])
  assert.equal(await now(budget.lease(client.signal).wait(1)), 'client_aborted')
})

test('waiting is bounded in number and in time', async () => {
  const refused: string[] = []
  const budget = budgetOf(10, { maxWaiting: 1, waitMs: 20, notice: (what) => refused.push(what) })
  budget.take(10)
  const first = budget.lease(here).wait(1)
  await assert.rejects(budget.lease(here).wait(1), { code: 'overloaded', status: 503 })
  await assert.rejects(first, { code: 'overloaded' })
  assert.deepEqual([budget.waiting, budget.used, refused], [0, 10, ['refused', 'refused']])
})

test('a lease that ended takes nothing any more, also when its turn comes only then', async () => {
  const budget = budgetOf(10)
  budget.take(10)
  const late = budget.lease(here)
  const waiting = late.wait(5)
  late.end()
  budget.give(10)
  await waiting
  assert.ok(late.take(3))
  assert.equal(budget.used, 0)
})

test('any order of taking, waiting, giving and leaving ends with nothing taken', async () => {
  const budget = budgetOf(1_000)
  let most = 0
  await Promise.all(
    Array.from({ length: 200 }, async (_, i) => {
      const client = new AbortController()
      const lease = budget.lease(client.signal)
      if (i % 7 === 0) setImmediate(() => client.abort())
      const bytes = 1 + ((i * 131) % 700)
      try {
        if (!lease.take(bytes)) await lease.wait(bytes)
        most = Math.max(most, budget.used)
        await new Promise(setImmediate)
      } catch {
        // It left, or too many wait.
      } finally {
        lease.end()
      }
    }),
  )
  assert.deepEqual([budget.used, budget.waiting], [0, 0])
  assert.ok(most > 0 && most <= 1_000)
})
