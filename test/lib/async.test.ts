import assert from 'node:assert/strict'
import test from 'node:test'
import { inParallel, nextTurn, oneAtATime, singleFlight, withTimeout } from '../../src/lib/async.ts'

test('callers that ask for the same key at once share one run', async () => {
  let runs = 0
  const flight = singleFlight(async (key: string) => {
    runs += 1
    await nextTurn()
    return key.toUpperCase()
  })
  assert.deepEqual(await Promise.all([flight('a'), flight('a'), flight('b')]), ['A', 'A', 'B'])
  assert.equal(runs, 2)
  await flight('a')
  assert.equal(runs, 3)
})

test('a failed run reaches everyone who waited, and is forgotten', async () => {
  let runs = 0
  const flight = singleFlight(async (_key: string) => {
    runs += 1
    await nextTurn()
    if (runs === 1) throw new Error('first')
    return runs
  })
  const outcomes = await Promise.allSettled([flight('a'), flight('a')])
  assert.deepEqual(
    outcomes.map((outcome) => outcome.status),
    ['rejected', 'rejected'],
  )
  assert.equal(await flight('a'), 2)
})

test('what does not come in time is rejected, what comes is passed on', async () => {
  const never = new Promise<string>(() => undefined)
  await assert.rejects(
    withTimeout(never, 1, () => new Error('late')),
    /late/,
  )
  assert.equal(await withTimeout(Promise.resolve('here'), 60_000, () => new Error('late')), 'here')
  await assert.rejects(
    withTimeout(Promise.reject(new Error('own')), 60_000, () => new Error('late')),
    /own/,
  )
})

test('jobs run in order, one in each turn of the loop, and a failing one does not stop the next', async () => {
  const queue = oneAtATime()
  const seen: string[] = []
  const ticker = setImmediate(function tick() {
    seen.push('turn')
    if (seen.length < 50) setImmediate(tick)
  })
  const runs = ['a', 'b', 'c'].map((name) =>
    queue(() => {
      seen.push(name)
      if (name === 'b') throw new Error('b failed')
      return name
    }),
  )
  const outcomes = await Promise.allSettled(runs)
  clearImmediate(ticker)
  assert.deepEqual(
    outcomes.map((outcome) => outcome.status),
    ['fulfilled', 'rejected', 'fulfilled'],
  )
  assert.deepEqual(
    seen.filter((entry) => entry !== 'turn'),
    ['a', 'b', 'c'],
  )
  assert.ok(seen.slice(seen.indexOf('a'), seen.indexOf('b')).includes('turn'))
  assert.ok(seen.slice(seen.indexOf('b'), seen.indexOf('c')).includes('turn'))
})

test('no more than so many run at a time, and what they make is in order', async () => {
  let open = 0
  let most = 0
  const made = await inParallel([5, 1, 3, 2, 4], 2, async (one) => {
    most = Math.max(most, ++open)
    for (let turn = 0; turn < one; turn++) await nextTurn()
    open--
    return one * 2
  })
  assert.deepEqual([made, most], [[10, 2, 6, 4, 8], 2])
  assert.deepEqual(await inParallel([], 2, async () => 1), [])
})

test('after a failure nothing more begins', async () => {
  const begun: number[] = []
  const failing = inParallel([1, 2, 3, 4, 5], 2, async (one) => {
    begun.push(one)
    await nextTurn()
    if (one === 1) throw new Error('first')
  })
  await assert.rejects(failing, /first/)
  await nextTurn()
  assert.ok(begun.length < 5)
})
