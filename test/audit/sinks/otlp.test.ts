import assert from 'node:assert/strict'
import { test } from 'node:test'
import { otlp, type OtlpOptions } from '../../../src/audit/sinks/otlp.ts'
import { BatchRefused, SinkError } from '../../../src/audit/sinks/sink.ts'
import { checkpointRow, eventRow, exchangeRow, exchangeRows, sinkContext } from '../../support/export-rows.ts'
import { type OtlpRecord, otlpReceiver } from '../../support/otlp-receiver.ts'

const open = (url: string, changes: Partial<OtlpOptions> = {}) => {
  const options: OtlpOptions = {
    type: 'otlp',
    url,
    headers: { 'X-Tenant': 'made-up' },
    encoding: 'protobuf',
    format: 'json',
    timeoutMs: 5_000,
    ...changes,
  }
  return otlp.create(options, sinkContext)
}
const headers = { 'x-tenant': 'made-up' }
const forever = new AbortController().signal

for (const encoding of ['protobuf', 'json'] as const) {
  test(`${encoding}: rows become log records`, async () => {
    await using receiver = await otlpReceiver({ headers })
    const sink = open(receiver.url, { encoding, gzip: encoding === 'json' })
    const rows = [exchangeRow(1), eventRow(2), checkpointRow(3)]
    assert.deepEqual(await sink.send(rows, forever), [])
    await sink.close()
    assert.deepEqual(receiver.faults, [])
    assert.deepEqual(receiver.resources, [
      { 'service.name': 'sallyport', 'service.version': '1.2.3', 'host.name': 'gate-1.example' },
    ])
    const [exchange, event, checkpoint] = receiver.records as readonly [OtlpRecord, OtlpRecord, OtlpRecord]
    const { row, block } = exchangeRow(1)
    assert.deepEqual(exchange.body, { table: 'exchanges', ...row, block })
    assert.equal(exchange.timeUnixNano, '1795230000125000000')
    assert.equal(exchange.observedTimeUnixNano, '1795000000500000000')
    assert.equal(exchange.traceId, row.trace_id)
    assert.equal(exchange.eventName, 'sallyport.exchanges')
    assert.equal(exchange.attributes['sallyport.id'], row.id)
    assert.equal(exchange.attributes['server.address'], 'api.openai.com')
    assert.equal(exchange.attributes['gen_ai.usage.output_tokens'], 42)
    assert.deepEqual((event.body as { after: unknown }).after, eventRow(2).row.after)
    assert.equal(event.traceId, undefined)
    assert.equal(checkpoint.attributes['sallyport.id'], 'checkpoint-3')
  })
}

test('the two encodings say the same', async () => {
  await using receiver = await otlpReceiver({ headers })
  const odd = exchangeRow(1, {
    path: '',
    cost_usd: -1.5,
    input_tokens: -3,
    stream: 2 ** 53,
    findings: [],
    tools: { a: [null, true, ''] },
  })
  for (const encoding of ['protobuf', 'json'] as const) {
    const sink = open(receiver.url, { encoding })
    await sink.send([odd], forever)
    await sink.close()
  }
  assert.deepEqual(receiver.faults, [])
  assert.deepEqual(receiver.records[0], receiver.records[1])
  const { body } = receiver.records[0] as OtlpRecord
  assert.deepEqual((body as { tools: unknown }).tools, { a: [null, true, ''] })
})

test('the path of the URL may be there already, and text bodies are text', async () => {
  await using receiver = await otlpReceiver({ headers })
  const sink = open(`${receiver.url}/v1/logs`, { format: 'leef' })
  await sink.send([exchangeRow(1)], forever)
  await sink.close()
  assert.deepEqual(receiver.faults, [])
  assert.match(String(receiver.records[0]?.body), /^LEEF:/)
})

for (const encoding of ['protobuf', 'json'] as const) {
  test(`${encoding}: a partial success refuses the batch, until the record is alone`, async () => {
    const bad = exchangeRow(2).row.id
    await using receiver = await otlpReceiver({
      headers,
      rejects: ({ attributes }) => attributes['sallyport.id'] === bad,
    })
    const sink = open(receiver.url, { encoding })
    await assert.rejects(sink.send(exchangeRows(3), forever), {
      name: 'BatchRefused',
      message: 'the OTLP receiver rejected 1 of 3 records',
    })
    assert.deepEqual(await sink.send([exchangeRow(2)], forever), [
      { index: 0, reason: 'the OTLP receiver rejected 1 of 1 records' },
    ])
    await sink.close()
    assert.deepEqual(receiver.faults, [])
  })
}

const answers: [string, { status: number; body?: string | Buffer }, typeof SinkError | typeof BatchRefused, RegExp][] =
  [
    ['unavailable', { status: 503 }, SinkError, /503/],
    ['too many', { status: 429 }, SinkError, /429/],
    ['wrong data', { status: 400 }, BatchRefused, /400/],
    ['too large', { status: 413 }, BatchRefused, /413/],
    ['the other encoding', { status: 415 }, SinkError, /415: try the other `encoding`/],
    ['another path', { status: 404 }, SinkError, /404: is the URL right/],
    ['another program', { status: 200, body: '<html>' }, SinkError, /no OTLP receiver/],
    ['a cut answer', { status: 200, body: Buffer.from([0x0a, 0x05, 0x08]) }, SinkError, /no OTLP receiver/],
    [
      'a partial success that is a number',
      { status: 200, body: Buffer.from([0x08, 0x05]) },
      SinkError,
      /no OTLP receiver/,
    ],
  ]

for (const [what, reply, Kind, message] of answers) {
  test(`${what} is ${Kind === SinkError ? 'tried again' : 'a refusal of the batch'}`, async () => {
    await using receiver = await otlpReceiver()
    receiver.replies.push(reply)
    const sink = open(receiver.url)
    await assert.rejects(sink.send([exchangeRow()], forever), (thrown) => {
      assert.ok(thrown instanceof Kind)
      assert.match(thrown.message, message)
      return true
    })
    await sink.close()
  })
}

test('JSON that is no answer of a receiver is tried again', async () => {
  await using receiver = await otlpReceiver()
  const sink = open(receiver.url, { encoding: 'json' })
  for (const body of ['[]', 'null', '{"partialSuccess":3}', '{"partialSuccess":{"rejectedLogRecords":"x"}}']) {
    receiver.replies.push({ status: 200, body })
    await assert.rejects(sink.send([exchangeRow()], forever), { name: 'SinkError', message: /no OTLP receiver/ }, body)
  }
  await sink.close()
})

test('an answer that is cut anywhere is no delivery, unless nothing is left of it', async () => {
  const answers = [
    ['protobuf', Buffer.from([0x0a, 0x08, 0x08, 0x01, 0x12, 0x04, 0x73, 0x6f, 0x6d, 0x65])],
    ['json', Buffer.from('{"partialSuccess":{"rejectedLogRecords":"1"}}')],
  ] as const
  await using receiver = await otlpReceiver()
  for (const [encoding, whole] of answers) {
    const sink = open(receiver.url, { encoding })
    for (let cut = 1; cut < whole.length; cut++) {
      receiver.replies.push({ status: 200, body: whole.subarray(0, cut) })
      await assert.rejects(sink.send([exchangeRow()], forever), { name: 'SinkError' }, `${encoding} cut at ${cut}`)
    }
    receiver.replies.push({ status: 200, body: whole })
    assert.equal((await sink.send([exchangeRow()], forever)).length, 1)
    await sink.close()
  }
})

test('an empty answer is a success', async () => {
  await using receiver = await otlpReceiver()
  const sink = open(receiver.url, { encoding: 'json' })
  receiver.replies.push({ status: 204 })
  assert.deepEqual(await sink.send([exchangeRow()], forever), [])
  await sink.close()
})
