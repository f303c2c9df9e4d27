import assert from 'node:assert/strict'
import { test } from 'node:test'
import { patience } from '../../src/upstream/patience.ts'

test('an origin that nothing is known of is trusted for half a minute', () => {
  assert.equal(patience(() => 0).of('a'), 30_000)
})

const learnt: [closes: number[], keeps: number][] = [
  [[5_000], 4_000],
  [[5_000, 8_000], 4_000],
  [[8_000, 5_000], 4_000],
  [[1_000], 500],
  [[100], 30_000],
  [[40_000], 30_000],
]

for (const [closes, keeps] of learnt) {
  test(`an origin that closes after ${closes.join(' and ')} ms is trusted for ${keeps}, and no other is`, () => {
    const one = patience(() => 0)
    for (const ms of closes) one.learn('a', ms)
    assert.deepEqual([one.of('a'), one.of('b')], [keeps, 30_000])
  })
}

test('what was learnt is forgotten in time, and when it is too much', () => {
  let now = 0
  const one = patience(() => now)
  one.learn('a', 5_000)
  now = 700_000
  assert.equal(one.of('a'), 30_000)
  one.learn('first', 5_000)
  for (let i = 0; i < 2_000; i += 1) one.learn(`key ${i}`, 5_000)
  assert.deepEqual([one.of('first'), one.of('key 0')], [30_000, 4_000])
})
