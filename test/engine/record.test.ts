import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { SallyportError } from '../../src/core/errors.ts'
import { startRecorder } from '../../src/audit/recorder.ts'
import { maskedQuery } from '../../src/engine/record.ts'
import { openStore } from '../../src/store/open.ts'
import { tempFolder } from '../support/temp.ts'
import { answerOf, chatRequest, client, converse, ok, startEngine, wordRule } from '../support/engine.ts'
import { run } from '../../src/engine/run.ts'

const engine = startEngine()

test('a query is recorded with every value hidden', () => {
  const cases = [
    ['', ''],
    ['?', '?'],
    ['?key=abc', '?key=***'],
    ['?alt=sse&key=a=b&flag&x=', '?alt=***&key=***&***&x=***'],
    ['?a=?b=c', '?a=***'],
  ]
  for (const [query, masked] of cases) assert.equal(maskedQuery(query as string), masked)
})

test('the row has where the exchange came from and went to, and what came of it', async () => {
  const rooms = await engine.rooms()
  const { id } = await converse(
    rooms,
    {
      principal: 'ada',
      clientIp: '10.1.2.3',
      query: '?key=k3y',
      body: chatRequest('hi', { stream: true, tools: [tool] }),
    },
    ok(),
  )
  const row = await engine.row(id)
  assert.partialDeepStrictEqual(row, {
    id,
    door: 'proxy',
    client_ip: '10.1.2.3',
    principal: 'ada',
    host: 'api.openai.com',
    port: 443,
    method: 'POST',
    path: '/v1/chat/completions?key=***',
    http_version: '1.1',
    provider: 'openai',
    operation: 'chat',
    model: 'gpt-5.1',
    stream: 1,
    policy: rooms.policy().digest,
    state: 'done',
    status: 200,
    decision: 'allow',
    error: null,
  })
  assert.deepEqual(JSON.parse(String(row['tools'])), { offered: ['weather'], called: [] })
  assert.ok(Number(row['duration_ms']) >= Number(row['first_byte_ms']))
  assert.ok(Number(row['added_ms']) >= 0)
})

const tool = { type: 'function', function: { name: 'weather', parameters: {} } }

test('the row exists, open and with the request, before anything is forwarded', async () => {
  const rooms = await engine.rooms(wordRule('tokenize'))
  const { exchange } = client({ body: chatRequest('about bluebird') })
  let open
  await run(rooms, exchange, async () => {
    open = await engine.row(exchange.id)
    return ok()
  })
  assert.partialDeepStrictEqual(open, { state: 'open', status: null, decision: null })
  assert.match(String(open?.['request_body']), /about QX_KEYWORD_/)
})

test('findings and hooks are recorded with rule, place and action, never with the text', async () => {
  const { id } = await converse(await engine.rooms(wordRule('flag', 'request')), { body: chatRequest('a bluebird') })
  const row = await engine.row(id)
  assert.partialDeepStrictEqual(JSON.parse(String(row['findings'])), [
    {
      type: 'KEYWORD:project',
      policyRule: 'our project',
      action: 'flag',
      stage: 'request',
      place: 'messages[0].content',
      start: 2,
      end: 10,
    },
  ])
  assert.partialDeepStrictEqual(JSON.parse(String(row['hooks'])), [
    { hook: 'keywords', rule: 'our project', stage: 'request', verdict: 'flag' },
  ])
})

test('how an exchange ended is its state', async () => {
  const rooms = await engine.rooms()
  const cases = [
    { asked: {}, state: 'done', error: null },
    { asked: { leavesAfter: 1 }, state: 'aborted', error: 'client_aborted' },
  ]
  for (const { asked, state, error } of cases) {
    const { id } = await converse(rooms, { ...asked, body: chatRequest('hi') })
    assert.partialDeepStrictEqual(await engine.row(id), { state, error })
  }
})

test('the metrics count what the record has', async () => {
  const rooms = await engine.rooms(wordRule('flag'))
  await converse(rooms, { body: chatRequest('bluebird') })
  const metrics = await rooms.metrics.registry.metrics()
  for (const line of [
    'sallyport_exchanges_total{door="proxy",provider="openai",decision="flag",status_class="2xx"} 1',
    'sallyport_tokens_total{provider="openai",bucket="input"} 11',
    'sallyport_findings_total{type="KEYWORD",action="flag"} 1',
    'sallyport_exchanges_active{door="proxy"} 0',
  ])
    assert.ok(metrics.includes(`${line}\n`), line)
})

/** A ledger that another program holds locked, and a recorder that does not wait for it. */
const lockedDir = tempFolder('locked')
const locked = startRecorder({ dir: lockedDir, durability: 'crash', inlineBytes: 1_000, patienceMs: 1 })
const holder = openStore({ dir: lockedDir, durability: 'crash' })
holder.exec('BEGIN EXCLUSIVE')
after(async () => {
  holder.exec('ROLLBACK')
  holder.close()
  // Its patience is too short to say that everything was written.
  await locked.close().catch(() => undefined)
})

test('without a ledger nothing is forwarded', async () => {
  const rooms = await engine.rooms('', { recorder: locked, whenUnavailable: 'block' })
  const { received, forwarded } = await converse(rooms, { body: chatRequest('hi') })
  assert.equal(forwarded, undefined)
  assert.equal(received.status, 503)
  assert.match(received.text, /ledger/)
  assert.match(await rooms.metrics.registry.metrics(), /sallyport_ledger_refusals_total 1\n/)
})

test('without a ledger traffic goes on where the operator says so, inspected, and the log says it has no row', async () => {
  const rooms = await engine.rooms(wordRule('redact'), { recorder: locked, whenUnavailable: 'allow' })
  engine.logged.length = 0
  const { received, forwarded } = await converse(rooms, { body: chatRequest('bluebird') }, answerOf('{"a":1}'))
  assert.doesNotMatch(forwarded?.text ?? 'bluebird', /bluebird/)
  assert.equal(received.text, '{"a":1}')
  assert.deepEqual(
    engine.logged.map(({ message }) => message),
    ['forwarded without a row'],
  )
})

test('a value in a query never reaches the record, named or not', () => {
  const cases: [string, string][] = [
    ['', ''],
    ['?key=abc&alt=sse', '?key=***&alt=***'],
    ['?abc', '?***'],
    ['?abc?x=1', '?***'],
    ['?a=1;abc', '?a=***;***'],
    ['?AKIA0000=1', '?***'],
    ['?', '?'],
  ]
  for (const [query, masked] of cases) assert.equal(maskedQuery(query), masked, query)
})

test('what the door has to say of attestations is asked once, at the end, however the exchange ends', async () => {
  const rooms = await engine.rooms()
  for (const fails of [false, true]) {
    const { exchange } = client({ body: chatRequest('hi') })
    const asked: (string | null)[] = []
    let over = false
    const attestation = (received: string | null): string => {
      asked.push(received)
      assert.ok(over)
      return '{"outcome":"signed"}'
    }
    await run(rooms, { ...exchange, attestation }, async (_request, policy) => {
      assert.equal(policy, rooms.policy().digest)
      over = true
      if (fails) throw new SallyportError('parent_proxy_failed', 'no')
      return ok()
    })
    assert.deepEqual(asked, [null])
    const row = await engine.row(exchange.id)
    assert.deepEqual([row['attestation'], row['error']], ['{"outcome":"signed"}', fails ? 'parent_proxy_failed' : null])
  }
})
