import assert from 'node:assert/strict'
import { test } from 'node:test'
import { perPolicy } from '../../src/upstream/per-policy.ts'
import type { Upstream } from '../../src/upstream/send.ts'
import { upstream } from '../../src/upstream/send.ts'
import { startOrigin } from '../support/origin.ts'
import { loopbackConnector, requestTo, textOf } from '../support/scripted-origin.ts'

const times = { headersTimeoutMs: 10_000, idleTimeoutMs: 10_000 }

async function scene() {
  const origin = await startOrigin((seen, response) => void response.end(seen.url))
  const made: string[] = []
  let current = 'one'
  const out = perPolicy(
    (policy): Upstream => {
      made.push(policy)
      return upstream(loopbackConnector(), times, Date.now)
    },
    () => current,
  )
  const ask = async (policy?: string): Promise<string> => {
    const sending = { signal: new AbortController().signal, inform: () => undefined, policy }
    const answer = await out.send(requestTo(origin.port, { path: `/${policy ?? ''}` }), sending)
    return textOf(answer.body)
  }
  return {
    origin,
    out,
    made,
    ask,
    enter: (policy: string) => void (current = policy),
    [Symbol.asyncDispose]: async () => {
      await out.close()
      await origin.close()
    },
  }
}

test('requests under one policy set share connections, and no other ones', async () => {
  await using one = await scene()
  for (const policy of ['one', undefined, 'one']) assert.equal(await one.ask(policy), `/${policy ?? ''}`)
  assert.deepEqual([one.made, one.origin.connections()], [['one'], 1])
  one.enter('two')
  await one.ask('two')
  assert.deepEqual([one.made, one.origin.connections()], [['one', 'two'], 2])
})

test('when another set comes into force idle connections end, and those that are busy when they have finished', async () => {
  const held = Promise.withResolvers<void>()
  await using origin = await startOrigin(async (_seen, response) => {
    await held.promise
    response.end('late')
  })
  let current = 'one'
  const out = perPolicy(
    () => upstream(loopbackConnector(), times, Date.now),
    () => current,
  )
  const answer = out.send(requestTo(origin.port), { signal: new AbortController().signal, inform: () => undefined })
  while (origin.seen.length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
  current = 'two'
  out.changed()
  held.resolve()
  assert.equal(await textOf((await answer).body), 'late')
  while (origin.open() > 0) await new Promise((resolve) => setTimeout(resolve, 5))
  await out.close()
})

test('what was inspected under a set that is not in force any more goes on a connection that is not kept', async () => {
  await using one = await scene()
  await one.ask()
  one.enter('two')
  await one.ask()
  await one.ask('one')
  await one.ask('one')
  await one.ask('two')
  assert.equal(one.origin.connections(), 4)
})

test('a set that comes back begins anew, and few ways are kept', async () => {
  await using one = await scene()
  await one.ask()
  one.enter('two')
  one.out.changed()
  await one.ask()
  one.enter('one')
  one.out.changed()
  await one.ask()
  await one.ask()
  assert.deepEqual([one.made, one.origin.connections()], [['one', 'two', 'one'], 3])
  for (let i = 0; i < 6; i += 1) await one.ask(`old-${i}`)
  await one.ask('old-0')
  assert.equal(one.made.filter((policy) => policy === 'old-0').length, 2)
  await one.ask()
  assert.equal(one.made.filter((policy) => policy === 'one').length, 2, 'the one in force is not given up')
})
