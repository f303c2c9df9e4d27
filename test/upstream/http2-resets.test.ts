import assert from 'node:assert/strict'
import { test } from 'node:test'
import { resets } from '../../src/upstream/http2-resets.ts'

test('what is left is 100, and comes back by 3 a second up to that', () => {
  let at = 5_000
  const some = resets(() => at)
  assert.equal(some.left(), 100)
  for (let i = 0; i < 60; i += 1) some.count()
  assert.equal(some.left(), 40)
  at += 10_000
  assert.equal(some.left(), 70)
  at += 60_000
  assert.equal(some.left(), 100)
  some.count()
  assert.equal(some.left(), 99)
})

test('within any 30 s there are fewer than 200 of them', () => {
  let at = 0
  const some = resets(() => at)
  const when: number[] = []
  for (; at < 120_000; at += 10)
    if (some.left() >= 1) {
      some.count()
      when.push(at)
    }
  for (const [i, from] of when.entries())
    assert.ok((when[i + 199] ?? Number.POSITIVE_INFINITY) - from > 30_000, `200 from ${from} ms on`)
})
