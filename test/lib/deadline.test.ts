import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { test } from 'node:test'
import { withDeadline } from '../../src/lib/deadline.ts'

const until = (signal: AbortSignal): Promise<never> =>
  new Promise((_resolve, reject) => {
    if (signal.aborted) reject(signal.reason as Error)
    signal.addEventListener('abort', () => reject(signal.reason as Error))
  })

test('a job has its outcome, and nothing of the signal stays', async () => {
  const outer = new AbortController()
  assert.equal(await withDeadline(outer.signal, 60_000, async () => 7), 7)
  await assert.rejects(
    withDeadline(outer.signal, 60_000, async () => {
      throw new RangeError('its own')
    }),
    RangeError,
  )
  assert.deepEqual(getEventListeners(outer.signal, 'abort'), [])
})

test('a job is ended by the time, by the signal, and at once when the signal was aborted before', async () => {
  await assert.rejects(withDeadline(new AbortController().signal, 1, until), { name: 'TimeoutError' })
  const outer = new AbortController()
  setTimeout(() => outer.abort(new RangeError('enough')), 1)
  await assert.rejects(withDeadline(outer.signal, 60_000, until), RangeError)
  await assert.rejects(withDeadline(outer.signal, 60_000, until), RangeError)
})
