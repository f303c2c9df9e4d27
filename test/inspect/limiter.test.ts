import assert from 'node:assert/strict'
import test from 'node:test'
import { memoryLimiter } from '../../src/inspect/limiter.ts'

test('keys are counted apart, and a place is free again when its time is over', () => {
  let now = 1_700_000_000_000
  const take = memoryLimiter({ now: () => now })
  const limit = { max: 2, windowMs: 1_000 }
  const taken = (key: string): boolean => (take(key, limit) as { admitted: boolean }).admitted
  assert.deepEqual([taken('a'), taken('a'), taken('a'), taken('b')], [true, true, false, true])
  now += 1_020
  assert.deepEqual([taken('a'), taken('a'), taken('a')], [true, true, false])
})

test('of more keys than it may hold, those used longest ago are forgotten', () => {
  const take = memoryLimiter({ now: () => 1_700_000_000_000, maxKeys: 2 })
  const limit = { max: 1, windowMs: 1_000 }
  const taken = (key: string): boolean => (take(key, limit) as { admitted: boolean }).admitted
  assert.deepEqual(['a', 'b', 'c', 'c', 'a'].map(taken), [true, true, true, false, true])
})
