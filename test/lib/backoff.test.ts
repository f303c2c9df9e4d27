import assert from 'node:assert/strict'
import { test } from 'node:test'
import { backoffMs } from '../../src/lib/backoff.ts'

test('waits grow twofold up to the most, and a random part of up to half is taken off', () => {
  const backoff = { firstMs: 100, mostMs: 1_000 }
  const longest = [1, 2, 3, 4, 5, 100, 1e9].map((failures) => backoffMs(failures, backoff, () => 1))
  assert.deepEqual(longest, [100, 200, 400, 800, 1_000, 1_000, 1_000])
  assert.equal(
    backoffMs(2, backoff, () => 0),
    100,
  )
})
