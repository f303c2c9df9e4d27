import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type AnyValue, type Logs, logsJson, logsProtobuf } from '../../../src/audit/sinks/otlp-logs.ts'
import { otlpReceiver } from '../../support/otlp-receiver.ts'
import { httpClient } from '../../../src/audit/sinks/http.ts'

const forever = new AbortController().signal

function logs(body: AnyValue, traceId?: string): Logs {
  const severity = { number: 9, text: 'INFO' }
  const record = {
    time: 1_700_000_000_123,
    observed: 1_700_000_000_456,
    severity,
    eventName: 'e',
    body,
    attributes: { a: 1 },
    traceId,
  }
  return { resource: { 'service.name': 's' }, scope: { name: 's', version: '1' }, records: [record] }
}

const value = fc.letrec<{ value: AnyValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.string({ unit: 'grapheme' }),
    fc.integer(),
    fc.maxSafeInteger(),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => (Object.is(number, -0) ? 0 : number)),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.string(), tie('value'), { maxKeys: 4, noNullPrototype: true }),
  ),
})).value

test('any value is read as it was, in both encodings', async () => {
  await using receiver = await otlpReceiver()
  const client = httpClient({ url: receiver.url, timeoutMs: 5_000 })
  await fc.assert(
    fc.asyncProperty(value, async (body) => {
      for (const [type, message] of [
        ['application/x-protobuf', logsProtobuf(logs(body))],
        ['application/json', logsJson(logs(body))],
      ] as const) {
        await client.post({ path: '/v1/logs', headers: { 'content-type': type }, body: message }, forever)
        assert.equal(receiver.faults.splice(0).join(), '')
        assert.deepEqual(receiver.records.at(-1)?.body, body, type)
      }
    }),
    { numRuns: 60 },
  )
  client.close()
})

test('times are nanoseconds, and a trace id is sixteen bytes', async () => {
  await using receiver = await otlpReceiver()
  const client = httpClient({ url: receiver.url, timeoutMs: 5_000 })
  const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
  const body = logsProtobuf(logs('x', traceId))
  await client.post({ path: '/v1/logs', headers: { 'content-type': 'application/x-protobuf' }, body }, forever)
  client.close()
  const [record] = receiver.records
  assert.deepEqual([record?.timeUnixNano, record?.observedTimeUnixNano], ['1700000000123000000', '1700000000456000000'])
  assert.equal(record?.traceId, traceId)
})
