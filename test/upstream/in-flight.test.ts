import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RawHeaders } from '../../src/core/http.ts'
import { responseParser } from '../../src/http/response-parser.ts'
import { continued, inFlight, inform } from '../../src/upstream/in-flight.ts'
import type { InFlight } from '../../src/upstream/in-flight.ts'

function begun(told: (status: number, headers: RawHeaders) => void): InFlight {
  return inFlight({
    parser: responseParser('GET'),
    sending: { signal: new AbortController().signal, inform: told },
    resolve: () => undefined,
    reject: () => undefined,
    switched: undefined,
  })
}

test('100 ends the waiting, other informational answers do not', async () => {
  const told: number[] = []
  const current = begun((status) => void told.push(status))
  let ended = false
  const waiting = continued(current, 60_000).then(() => (ended = true))
  inform(current, 103, [])
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(ended, false)
  inform(current, 100, [])
  await waiting
  assert.deepEqual(told, [103, 100])
})

test('waiting ends by itself', async () => {
  await continued(
    begun(() => undefined),
    5,
  )
})

test('what cannot be told to the client does not stop the exchange', () => {
  inform(
    begun(() => {
      throw new Error('too late')
    }),
    103,
    [],
  )
})
