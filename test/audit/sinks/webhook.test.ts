import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import { BatchRefused, SinkError } from '../../../src/audit/sinks/sink.ts'
import { signature, webhook, type WebhookOptions } from '../../../src/audit/sinks/webhook.ts'
import { exchangeRow, exchangeRows, sinkContext } from '../../support/export-rows.ts'
import { httpReceiver, objectIn, type Received, rule } from '../../support/http-receiver.ts'

const secret = 'made-up-secret'
const open = (url: string, changes: Partial<WebhookOptions> = {}) => {
  const options: WebhookOptions = { type: 'webhook', url, secret, format: 'json', timeoutMs: 5_000, ...changes }
  return webhook.create(options, sinkContext)
}
const forever = new AbortController().signal

/** As a receiver checks it, from the documentation alone. */
function takeSigned({ headers, body }: Received) {
  rule(headers['content-type'] === 'application/x-ndjson', 'not NDJSON')
  const [, at, sum] = /^t=(\d+),v1=([\da-f]{64})$/.exec(String(headers['sallyport-signature'])) ?? []
  rule(at !== undefined && Number(at) === 1_795_000_000, 'no time, or a wrong one')
  rule(createHmac('sha256', secret).update(`${at}.`).update(body).digest('hex') === sum, 'a wrong signature')
  rule(body.at(-1) === 0x0a, 'the last line has no end')
  for (const line of body.toString('utf8').slice(0, -1).split('\n')) objectIn(line)
  return { status: 202 }
}

test('lines are signed, and any 2xx says that they have arrived', async () => {
  await using receiver = await httpReceiver(takeSigned)
  const sink = open(`${receiver.url}/in/here/?tenant=1`)
  assert.deepEqual(await sink.send(exchangeRows(3), forever), [])
  await sink.close()
  assert.deepEqual(receiver.faults, [])
  assert.equal(receiver.seen[0]?.path, '/in/here/?tenant=1')
  assert.equal(receiver.seen[0]?.body.toString().split('\n').length, 4)
})

test('the signature is over the body before it is compressed', async () => {
  await using receiver = await httpReceiver(takeSigned)
  const sink = open(receiver.url, { gzip: true })
  await sink.send(exchangeRows(2), forever)
  await sink.close()
  assert.deepEqual(receiver.faults, [])
  assert.equal(receiver.seen[0]?.headers['content-encoding'], 'gzip')
})

test('a signature is made as documented', () => {
  assert.equal(
    signature('key', 1_700_000_000, 'body'),
    `t=1700000000,v1=${createHmac('sha256', 'key').update('1700000000.body').digest('hex')}`,
  )
})

const answers: [number, typeof SinkError | typeof BatchRefused, RegExp][] = [
  [301, SinkError, /redirects are not followed/],
  [400, BatchRefused, /400/],
  [401, SinkError, /does not accept our credentials/],
  [404, SinkError, /is the URL right/],
  [409, SinkError, /409/],
  [410, SinkError, /gone for good/],
  [413, BatchRefused, /413/],
  [422, BatchRefused, /422/],
  [500, SinkError, /500/],
]

for (const [status, Kind, message] of answers) {
  test(`${status} is ${Kind === SinkError ? 'tried again' : 'a refusal of the batch'}`, async () => {
    await using receiver = await httpReceiver(takeSigned)
    receiver.replies.push({ status, headers: { location: '/elsewhere' } })
    const sink = open(receiver.url)
    await assert.rejects(sink.send([exchangeRow()], forever), (thrown) => {
      assert.ok(thrown instanceof Kind)
      assert.match(thrown.message, message)
      return true
    })
    await sink.close()
    assert.equal(receiver.seen.length, 1)
  })
}
