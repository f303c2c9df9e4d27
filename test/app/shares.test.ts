import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { shares } from '../../src/app/shares.ts'

test('each may have what it has and its part of what is free', () => {
  assert.deepEqual(shares(10, [0, 0]), [5, 5])
  assert.deepEqual(shares(10, [5, 0]), [8, 2])
  assert.deepEqual(shares(10, [6, 4]), [6, 4])
  assert.deepEqual(shares(4, [6, 0]), [6, 0])
  assert.deepEqual(shares(5, [0, 0, 0]), [2, 2, 1])
})

test('together never more than the limit, and never less than it while somebody wants more', () => {
  const counts = fc.array(fc.nat(100), { minLength: 1, maxLength: 8 })
  fc.assert(
    fc.property(fc.nat(500), counts, (limit, held) => {
      const all = held.reduce((sum, count) => sum + count, 0)
      assert.equal(
        shares(limit, held).reduce((sum, count) => sum + count, 0),
        Math.max(all, limit),
      )
    }),
  )
})
