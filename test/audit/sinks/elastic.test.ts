import assert from 'node:assert/strict'
import { test } from 'node:test'
import { elastic, type ElasticOptions } from '../../../src/audit/sinks/elastic.ts'
import { BatchRefused, SinkError } from '../../../src/audit/sinks/sink.ts'
import { bulkReceiver } from '../../support/bulk-receiver.ts'
import { checkpointRow, eventRow, exchangeRow, exchangeRows, sinkContext } from '../../support/export-rows.ts'

const open = (url: string, changes: Partial<ElasticOptions> = {}) => {
  const options: ElasticOptions = {
    type: 'elastic',
    url,
    index: 'sallyport',
    apiKey: 'made-up-key',
    format: 'ecs',
    timeoutMs: 10_000,
    ...changes,
  }
  return elastic.create(options, sinkContext)
}
const index = 'sallyport'
const apiKey = 'made-up-key'
const forever = new AbortController().signal

for (const format of ['ecs', 'ocsf', 'json', 'cef'] as const) {
  test(`${format}: each row is a document with a time of its own and an id made of the row's`, async () => {
    await using receiver = await bulkReceiver({ index, apiKey })
    const sink = open(receiver.url, { format, gzip: format === 'json' })
    const rows = [exchangeRow(1), eventRow(2), checkpointRow(3)]
    assert.deepEqual(await sink.send(rows, forever), [])
    await sink.close()
    assert.deepEqual(receiver.faults, [])
    const ids = [...receiver.documents.keys()].filter((id) => !id.endsWith('-101-1'))
    assert.deepEqual(ids, [`${exchangeRow(1).row.id}-101`, `${eventRow(2).row.id}-202`, 'checkpoint-3-7'])
    assert.equal(receiver.documents.get(ids[0] as string)?.['@timestamp'], exchangeRow().row.at)
  })
}

test('a second line of a row is a document of its own', async () => {
  await using receiver = await bulkReceiver({ index, apiKey })
  const sink = open(receiver.url, { format: 'ocsf' })
  await sink.send([exchangeRow(1)], forever)
  await sink.close()
  const id = `${exchangeRow(1).row.id}-101`
  assert.deepEqual([...receiver.documents.keys()], [id, `${id}-1`])
})

test('what is sent twice is there once', async () => {
  await using receiver = await bulkReceiver({ index, apiKey })
  const sink = open(receiver.url)
  await sink.send(exchangeRows(3), forever)
  assert.deepEqual(await sink.send(exchangeRows(5), forever), [])
  await sink.close()
  assert.deepEqual(receiver.faults, [])
  assert.equal(receiver.documents.size, 5)
})

test('documents that do not fit the mapping are refused, without a word of what is in them', async () => {
  await using receiver = await bulkReceiver({
    index,
    apiKey,
    outcome: (_, id) =>
      id.endsWith('-102')
        ? { status: 400, type: 'document_parsing_exception', reason: "Preview of field's value: 'made-up'" }
        : undefined,
  })
  const sink = open(receiver.url)
  const refused = await sink.send(exchangeRows(3), forever)
  await sink.close()
  assert.deepEqual(refused, [{ index: 1, reason: 'Elasticsearch: document_parsing_exception' }])
  assert.equal(receiver.documents.size, 2)
})

test('only the documents that it had no room for are sent again', async () => {
  let busy = 3
  await using receiver = await bulkReceiver({
    index,
    apiKey,
    outcome: () => (busy-- > 0 ? { status: 429, type: 'es_rejected_execution_exception' } : undefined),
  })
  const sink = open(receiver.url)
  assert.deepEqual(await sink.send(exchangeRows(5), forever), [])
  await sink.close()
  const sent = receiver.seen.map(({ body }) => body.toString().split('\n').length >> 1)
  assert.deepEqual(sent, [5, 3])
  assert.equal(receiver.documents.size, 5)
})

test('what stays too much is tried again later', async () => {
  await using receiver = await bulkReceiver({ index, apiKey, outcome: () => ({ status: 503, type: 'unavailable' }) })
  const sink = open(receiver.url)
  await assert.rejects(sink.send(exchangeRows(2), forever), { name: 'SinkError', message: /too busy for 2 documents/ })
  await sink.close()
  assert.equal(receiver.seen.length, 4)
})

test('a wait between tries ends with the signal', async () => {
  await using receiver = await bulkReceiver({ index, apiKey, outcome: () => ({ status: 429 }) })
  const sink = open(receiver.url)
  const stopping = new AbortController()
  const sending = sink.send(exchangeRows(2), stopping.signal)
  setTimeout(() => stopping.abort(), 50)
  await assert.rejects(sending, { name: 'AbortError' })
  await sink.close()
})

const answers: [string, number, string, typeof SinkError | typeof BatchRefused, RegExp][] = [
  ['too large', 413, '', BatchRefused, /413/],
  ['wrong credentials', 401, '{}', SinkError, /401.*credentials/],
  [
    'an index name that is none',
    400,
    '{"error":{"type":"invalid_index_name_exception"}}',
    SinkError,
    /400: invalid_index/,
  ],
  ['a refusal without a reason', 400, '', SinkError, /400: no reason given/],
  ['an overloaded cluster', 429, '{}', SinkError, /429/],
  ['another program', 200, '<html>', SinkError, /no bulk API/],
  ['an answer with an item missing', 200, '{"errors":false,"items":[]}', SinkError, /no bulk API/],
  ['an item of an unknown shape', 200, '{"errors":true,"items":[{"index":{"status":201}}]}', SinkError, /too busy/],
  ['an index that may not be made', 200, item(404, 'index_not_found_exception'), SinkError, /404: index_not_found/],
  ['a name that is none', 200, item(400, 'invalid_index_name_exception'), SinkError, /400: invalid_index_name/],
  ['no right to write', 200, item(403, 'security_exception'), SinkError, /403: security_exception/],
  ['a type that is no word', 200, item(403, 'x y "made-up"'), SinkError, /403: no reason given$/],
]

for (const [what, status, body, Kind, message] of answers) {
  test(`${what} is ${Kind === SinkError ? 'tried again' : 'a refusal of the batch'}`, async () => {
    await using receiver = await bulkReceiver({ index, apiKey })
    for (let n = 0; n < 4; n++) receiver.replies.push({ status, body })
    const sink = open(receiver.url)
    await assert.rejects(sink.send([exchangeRow()], forever), (thrown) => {
      assert.ok(thrown instanceof Kind)
      assert.match(thrown.message, message)
      return true
    })
    await sink.close()
  })
}

test('an answer that is cut anywhere is no delivery', async () => {
  const whole = '{"errors":false,"items":[{"create":{"status":201}}]}'
  await using receiver = await bulkReceiver({ index, apiKey })
  const sink = open(receiver.url)
  for (let cut = 0; cut < whole.length; cut++) {
    receiver.replies.push({ status: 200, body: whole.slice(0, cut) })
    await assert.rejects(sink.send([exchangeRow()], forever), { name: 'SinkError' }, `cut at ${cut}`)
  }
  receiver.replies.push({ status: 200, body: whole })
  assert.deepEqual(await sink.send([exchangeRow()], forever), [])
  await sink.close()
})

function item(status: number, type: string): string {
  return JSON.stringify({ errors: true, items: [{ create: { status, error: { type, reason: 'made-up' } } }] })
}
