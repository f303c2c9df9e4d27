import assert from 'node:assert/strict'
import { test } from 'node:test'
import { within } from '../../src/upstream/limits.ts'

test('a step that succeeds or fails in time is what it is, and is not given up', async () => {
  let given = 0
  const stop = (): void => void (given += 1)
  const limits = { connectTimeoutMs: 5_000, signal: new AbortController().signal }
  assert.equal(await within(limits, 'x', (resolve) => (resolve(1), stop)), 1)
  await assert.rejects(
    within(limits, 'x', (_resolve, reject) => (reject(new Error('no')), stop)),
    /no/,
  )
  assert.equal(given, 0)
})

test('a step that takes too long is given up, and steps share the time', async () => {
  let given = 0
  const never = () => () => void (given += 1)
  await assert.rejects(within({ connectTimeoutMs: 10 }, 'nothing came', never), {
    code: 'upstream_timeout',
    message: 'nothing came in 10 ms',
  })
  const since = performance.now() - 60_000
  await assert.rejects(within({ connectTimeoutMs: 60_000, since }, 'x', never), { code: 'upstream_timeout' })
  assert.equal(given, 2)
})

test('a signal gives up a step, also when it came before', async () => {
  const gone = new AbortController()
  let given = 0
  const limits = { connectTimeoutMs: 60_000, signal: gone.signal }
  const waiting = within(limits, 'x', () => () => void (given += 1))
  gone.abort()
  await assert.rejects(waiting, { code: 'client_aborted' })
  await assert.rejects(
    within(limits, 'x', () => () => void (given += 1)),
    { code: 'client_aborted' },
  )
  assert.equal(given, 2)
})
