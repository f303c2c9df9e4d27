import assert from 'node:assert/strict'
import { test } from 'node:test'
import { splunk, type SplunkOptions } from '../../../src/audit/sinks/splunk.ts'
import { BatchRefused, SinkError } from '../../../src/audit/sinks/sink.ts'
import { eventRow, exchangeRow, exchangeRows, sinkContext } from '../../support/export-rows.ts'
import { type HecEvent, hecReceiver } from '../../support/hec-receiver.ts'

const token = 'made-up-token'
const open = (url: string, changes: Partial<SplunkOptions> = {}) => {
  const options: SplunkOptions = { type: 'splunk', url, token, format: 'json', timeoutMs: 5_000, ...changes }
  return splunk.create(options, sinkContext)
}
const forever = new AbortController().signal

test('rows become events with their time, and the channel is always there', async () => {
  await using receiver = await hecReceiver({ token })
  const sink = open(receiver.url, { index: 'ai' })
  assert.deepEqual(await sink.send([exchangeRow(1), eventRow(2)], forever), [])
  await sink.close()
  assert.deepEqual(receiver.faults, [])
  const [first, second] = receiver.events as readonly [HecEvent, HecEvent]
  assert.equal(first.time, 1_795_230_000.125)
  assert.deepEqual(
    [first.host, first.source, first.sourcetype, first.index],
    ['gate-1.example', 'sallyport', 'sallyport:json', 'ai'],
  )
  assert.deepEqual(first.fields, { table: 'exchanges' })
  assert.equal((first.event as { id: string }).id, exchangeRow(1).row.id)
  assert.deepEqual((second.event as { after: unknown }).after, eventRow(2).row.after)
})

test('what is no JSON goes as text, and gzip is understood', async () => {
  await using receiver = await hecReceiver({ token })
  const sink = open(receiver.url, { format: 'cef', gzip: true, sourcetype: 'cef' })
  await sink.send(exchangeRows(3), forever)
  await sink.close()
  assert.deepEqual(receiver.faults, [])
  assert.equal(receiver.seen[0]?.headers['content-encoding'], 'gzip')
  assert.deepEqual(
    receiver.events.map(({ event, sourcetype }) => [String(event).slice(0, 6), sourcetype]),
    Array.from({ length: 3 }, () => ['CEF:0|', 'cef']),
  )
})

test('with acknowledgement a batch is delivered when the indexers have it', async () => {
  await using receiver = await hecReceiver({ token, acknowledges: true })
  const sink = open(receiver.url)
  await sink.send(exchangeRows(2), forever)
  await sink.send([exchangeRow(3)], forever)
  await sink.close()
  assert.deepEqual(receiver.faults, [])
  assert.deepEqual(receiver.unacknowledged, [])
  const polls = receiver.seen.filter(({ path }) => path === '/services/collector/ack')
  assert.deepEqual(
    polls.map(({ body }) => body.toString()),
    ['{"acks":[0]}', '{"acks":[0]}', '{"acks":[1]}', '{"acks":[1]}'],
  )
})

test('a batch that is never acknowledged was not delivered', async () => {
  await using receiver = await hecReceiver({ token })
  for (let n = 0; n < 3; n++) receiver.replies.push({ status: 200, body: '{"text":"Success","code":0,"ackId":4}' })
  receiver.replies.splice(
    1,
    2,
    { status: 200, body: '{"acks":{"4":false}}' },
    { status: 200, body: '{"acks":{"4":false}}' },
  )
  const sink = open(receiver.url, { timeoutMs: 250 })
  await assert.rejects(sink.send([exchangeRow()], forever), { name: 'SinkError', message: /has not acknowledged/ })
  await sink.close()
})

test('an event that is named as wrong is refused, and all others arrive', async () => {
  const bad = new Set([String(exchangeRow(2).row.id), String(exchangeRow(5).row.id)])
  await using receiver = await hecReceiver({
    token,
    refuses: ({ event }) => (bad.has((event as { id: string }).id) ? 6 : undefined),
  })
  const sink = open(receiver.url)
  const refused = await sink.send(exchangeRows(6), forever)
  await sink.close()
  assert.deepEqual(refused, [
    { index: 1, reason: 'Splunk: Invalid data format' },
    { index: 4, reason: 'Splunk: Invalid data format' },
  ])
  assert.deepEqual(
    receiver.events.map(({ event }) => (event as { id: string }).id),
    [1, 3, 4, 6].map((number) => exchangeRow(number).row.id),
  )
})

const answers: [string, number, unknown, typeof SinkError | typeof BatchRefused, RegExp][] = [
  ['busy', 503, { text: 'Server is busy', code: 9 }, SinkError, /code 9: Server is busy/],
  ['a token that is turned off', 403, { text: 'Token disabled', code: 1 }, SinkError, /code 1: Token disabled/],
  ['an index that does not exist', 400, { text: 'Incorrect index', code: 7 }, SinkError, /code 7/],
  ['wrong data without a number', 400, { text: 'Invalid data format', code: 6 }, BatchRefused, /code 6/],
  [
    'an event number that is none of ours',
    400,
    { text: 'x', code: 6, 'invalid-event-number': 9 },
    BatchRefused,
    /code 6/,
  ],
  ['too large', 413, { text: 'Content-Length is too large', code: 27 }, BatchRefused, /413/],
  ['a page of another program', 200, '<html>', SinkError, /not an answer of a collector/],
  ['a success with another code', 200, { text: 'odd', code: 99 }, SinkError, /code 99/],
]

for (const [what, status, body, Kind, message] of answers) {
  test(`${what} is ${Kind === SinkError ? 'tried again' : 'a refusal of the batch'}`, async () => {
    await using receiver = await hecReceiver({ token })
    receiver.replies.push({
      status,
      headers: { 'retry-after': '7' },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })
    const sink = open(receiver.url)
    await assert.rejects(sink.send([exchangeRow()], forever), (thrown) => {
      assert.ok(thrown instanceof Kind)
      assert.match(thrown.message, message)
      if (status === 503) assert.equal((thrown as SinkError).retryAfterMs, 7_000)
      return true
    })
    await sink.close()
  })
}

test('an answer that is cut anywhere is no delivery', async () => {
  const whole = '{"text":"Success","code":0}'
  await using receiver = await hecReceiver({ token })
  const sink = open(receiver.url)
  for (let cut = 0; cut < whole.length; cut++) {
    receiver.replies.push({ status: 200, body: whole.slice(0, cut) })
    await assert.rejects(sink.send([exchangeRow()], forever), { name: 'SinkError' }, `cut at ${cut}`)
  }
  await sink.close()
})

test('an answer that quotes what it was sent is not quoted', async () => {
  await using receiver = await hecReceiver({ token })
  const body = JSON.stringify({ text: `Invalid data for Splunk ${token}`, code: 6, 'invalid-event-number': 0 })
  receiver.replies.push({ status: 400, body })
  const sink = open(receiver.url)
  const refused = await sink.send([exchangeRow()], forever)
  assert.deepEqual(refused, [{ index: 0, reason: 'Splunk: no text that is known' }])
  await sink.close()
})

test('wrong credentials are told, without the credentials', async () => {
  await using receiver = await hecReceiver({ token: 'another' })
  const sink = open(receiver.url)
  await assert.rejects(sink.send([exchangeRow()], forever), (thrown) => {
    assert.match(String(thrown), /403, code 4: Invalid token/)
    assert.doesNotMatch(JSON.stringify([thrown, String(thrown)]), /made-up/)
    return true
  })
  await sink.close()
})
