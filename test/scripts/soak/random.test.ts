import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seeded } from '../../../scripts/soak/random.ts'

test('the same seed gives the same choices, within their bounds', () => {
  const some = (seed: number) => {
    const random = seeded(seed)
    return Array.from({ length: 200 }, () => random.between(5, 9))
  }
  assert.deepEqual(some(1), some(1))
  assert.notDeepEqual(some(1), some(2))
  assert.deepEqual(new Set(some(3)), new Set([5, 6, 7, 8]))
})

test('chances come about as often as they should', () => {
  const random = seeded(7)
  const hits = Array.from({ length: 10_000 }, () => random.chance(0.3)).filter(Boolean).length
  assert.ok(Math.abs(hits - 3_000) < 300, String(hits))
})
