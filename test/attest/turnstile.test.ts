import assert from 'node:assert/strict'
import { test } from 'node:test'
import { turnstile } from '../../src/attest/turnstile.ts'

test('no more than that many are inside at once, the others come in the order in which they asked', async () => {
  const turn = turnstile({ atOnce: 2, maxWaiting: 100 })
  const order: number[] = []
  let inside = 0
  let most = 0
  const visit = async (n: number): Promise<void> => {
    const release = await turn()
    assert.ok(release !== undefined)
    order.push(n)
    most = Math.max(most, ++inside)
    await new Promise(setImmediate)
    inside -= 1
    release()
  }
  const numbers = Array.from({ length: 50 }, (_, i) => i)
  await Promise.all(numbers.map(visit))
  assert.deepEqual(order, numbers)
  assert.equal(most, 2)
})

test('who finds too many waiting is sent away at once, and there is room again later', async () => {
  const turn = turnstile({ atOnce: 1, maxWaiting: 2 })
  const first = await turn()
  const second = turn()
  const third = turn()
  assert.equal(await turn(), undefined)
  first?.()
  const fourth = turn()
  assert.equal(await turn(), undefined)
  for (const next of [second, third, fourth]) (await next)?.()
  const last = await turn()
  assert.ok(last !== undefined)
})
