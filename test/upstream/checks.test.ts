import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checks } from '../../src/upstream/checks.ts'

test('what was added is looked at with the time, until it is taken out', async (context) => {
  context.mock.timers.enable({ apis: ['setInterval'] })
  let now = 0
  const some = checks(10, () => now)
  const seen: number[] = []
  const one = { check: (at: number): void => void seen.push(at) }
  some.add(one)
  now = 7
  context.mock.timers.tick(10)
  some.delete(one)
  now = 8
  context.mock.timers.tick(30)
  some.add(one)
  now = 9
  context.mock.timers.tick(10)
  assert.deepEqual(seen, [7, 9])
})
