import assert from 'node:assert/strict'
import { test } from 'node:test'
import { turns } from '../../src/http/turns.ts'

test('what is taken runs at once, and the next when it has ended', async () => {
  const line = turns()
  const ran: number[] = []
  const ends = [1, 2, 3].map(() => Promise.withResolvers<void>())
  for (const [n, end] of ends.entries())
    line.take(async () => {
      ran.push(n)
      await end.promise
    })
  assert.deepEqual([ran, line.waiting()], [[0], 2])
  for (const [n, end] of ends.entries()) {
    end.resolve()
    await new Promise(setImmediate)
    assert.deepEqual(ran, [0, 1, 2].slice(0, Math.min(n + 2, 3)))
  }
  line.take(async () => void ran.push(9))
  assert.equal(ran.at(-1), 9)
})

test('what is dropped never runs', async () => {
  const line = turns()
  const end = Promise.withResolvers<void>()
  let ran = 0
  line.take(() => end.promise)
  line.take(async () => void (ran += 1))
  line.drop()
  end.resolve()
  await new Promise(setImmediate)
  assert.equal(ran, 0)
})
