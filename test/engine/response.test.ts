import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { headerOf } from '../../src/core/http.ts'
import { madeBody } from '../../src/http/body.ts'
import type { RawHeaders } from '../../src/core/http.ts'
import {
  answerOf,
  chatAnswer,
  chatRequest,
  chatStream,
  chunksOf,
  converse,
  eventStream,
  ok,
  startEngine,
  wordRule,
} from '../support/engine.ts'

const engine = startEngine()
const body = chatRequest('hello')
const json: RawHeaders = ['Content-Type', 'application/json']

test('an answer without findings goes on with its very bytes and headers', async () => {
  const rooms = await engine.rooms(wordRule('redact'))
  const odd = Buffer.from('{ "choices" : [ ], "x":"\\u00e9\\/" }\n')
  const headers = [...json, 'X-Request-Id', 'r1', 'set-cookie', 'a=1', 'Set-Cookie', 'b=2']
  for (const content of [odd, gzipSync(odd)]) {
    const own = content === odd ? headers : [...headers, 'Content-Encoding', 'gzip']
    const { received } = await converse(rooms, { body }, answerOf(content, own))
    assert.deepEqual(Buffer.concat(received.chunks), content)
    assert.deepEqual(received.headers, own)
  }
})

test('the record has what the answer says of itself', async () => {
  const { id } = await converse(await engine.rooms(), { body }, ok('fine'))
  const row = await engine.row(id)
  assert.partialDeepStrictEqual(row, {
    status: 200,
    input_tokens: 11,
    output_tokens: 5,
    finish_reason: 'stop',
    upstream_id: 'chatcmpl-9',
    upstream_http_version: '1.1',
    response_body: chatAnswer('fine'),
  })
  assert.ok(Number(row['first_byte_ms']) >= 0)
})

test('what a rule redacts in an answer is gone from wire and ledger, and the framing fits', async () => {
  const rooms = await engine.rooms(wordRule('redact', 'response'))
  for (const coding of ['', 'gzip']) {
    const plain = Buffer.from(chatAnswer('a bluebird, é'))
    const headers = coding === '' ? json : [...json, 'Content-Encoding', coding]
    const { received, id } = await converse(rooms, { body }, answerOf(coding === '' ? plain : gzipSync(plain), headers))
    assert.equal(received.text, chatAnswer('a [REDACTED:KEYWORD:project], é'))
    assert.equal(headerOf(received.headers, 'content-encoding'), undefined)
    assert.equal(headerOf(received.headers, 'content-length'), String(Buffer.byteLength(received.text)))
    assert.doesNotMatch(JSON.stringify(await engine.row(id)), /bluebird/)
  }
})

test('an answer that a rule blocks is answered in the dialect, with nothing of it', async () => {
  const rooms = await engine.rooms(wordRule('block', 'response'))
  const { received, id } = await converse(rooms, { body }, ok('the bluebird file'))
  assert.equal(received.status, 403)
  assert.equal(JSON.parse(received.text).error.code, 'sallyport_blocked')
  assert.doesNotMatch(received.text, /bluebird/)
  const row = await engine.row(id)
  assert.deepEqual([row['decision'], row['status'], row['rule']], ['block', 403, 'our project'])
  assert.doesNotMatch(JSON.stringify(row), /bluebird/)
})

test('placeholders of the request come back as what they stand for, and the ledger keeps the placeholders', async () => {
  const rooms = await engine.rooms(wordRule('tokenize', 'request'))
  const { received, id } = await converse(rooms, { body: chatRequest('about bluebird') }, async () => {
    const placeholder = rooms.vault('address 127.0.0.1').placeholderFor('KEYWORD:project', 'bluebird')
    return ok(`x${placeholder}x`)
  })
  assert.match(received.text, /xbluebirdx/)
  assert.doesNotMatch(JSON.stringify(await engine.row(id)), /bluebird/)
  assert.match(await rooms.metrics.registry.metrics(), /placeholders_total\{outcome="restored"\} 1/)
})

test('a placeholder that the model spelled anew is left, is no finding, and is counted', async () => {
  const rooms = await engine.rooms('rules: [{ name: s, on: response, hook: secrets, action: redact }]')
  const placeholder = rooms.vault('address 127.0.0.1').placeholderFor('KEYWORD:project', 'bluebird').toLowerCase()
  for (const answer of [
    ok(`token = "${placeholder}"`),
    answerOf(chatStream(`token = "${placeholder}"`), eventStream),
  ]) {
    const { received, id } = await converse(rooms, { body: chatRequest('hi') }, answer)
    assert.ok(received.text.includes(placeholder))
    assert.equal((await engine.row(id))['decision'], 'allow')
  }
  assert.match(await rooms.metrics.registry.metrics(), /placeholders_total\{outcome="unknown"\} 2/)
})

test('a value found in the request is not stored with an answer that quotes it', async () => {
  const rooms = await engine.rooms(wordRule('flag', 'request'))
  const { received, id } = await converse(rooms, { body: chatRequest('about bluebird') }, ok('bluebird? yes'))
  assert.match(received.text, /bluebird\? yes/)
  assert.doesNotMatch(JSON.stringify(await engine.row(id)), /bluebird/)
})

test('an answer over the limit is refused when rules look at answers, else passed on unread', async () => {
  const large = (): ReturnType<typeof answerOf> => {
    const head = { status: 200, reason: '', headers: json, version: '1.1' } as const
    return { head, body: madeBody(chunksOf([Buffer.alloc(60, 'a'), Buffer.alloc(60, 'b')]), undefined) }
  }
  const cases: [string, number, string][] = [
    [wordRule('flag', 'response'), 413, 'sallyport_too_large'],
    [`oversize: allow\n${wordRule('flag', 'response')}`, 200, 'not_inspected: answer oversize'],
    ['', 200, 'not_inspected: answer oversize'],
    [`mode: observe\n${wordRule('flag', 'response')}`, 200, 'not_inspected: answer oversize'],
  ]
  for (const [policy, status, error] of cases) {
    const { received, id } = await converse(await engine.rooms(policy, { inspectBytes: 100 }), {}, large())
    assert.equal(received.status, status)
    if (status === 200) assert.equal(received.text, 'a'.repeat(60) + 'b'.repeat(60))
    assert.equal((await engine.row(id))['error'], error)
  }
})

test("an answer whose coding is not true is the origin's fault when rules look at answers, else passed on", async () => {
  const untrue = (): ReturnType<typeof answerOf> => answerOf('not gzip', [...json, 'Content-Encoding', 'gzip'])
  const strict = await converse(await engine.rooms(wordRule('flag')), { body }, untrue())
  assert.equal(strict.received.status, 502)
  assert.equal((await engine.row(strict.id))['error'], 'upstream_invalid')
  for (const policy of ['', `unreadable: allow\n${wordRule('flag')}`, `mode: observe\n${wordRule('flag')}`]) {
    const lax = await converse(await engine.rooms(policy), { body }, untrue())
    assert.deepEqual([lax.received.status, lax.received.text], [200, 'not gzip'])
    assert.equal((await engine.row(lax.id))['error'], 'not_inspected: answer unreadable')
  }
})

test('media in an answer pass unread and uncollected, and are counted', async () => {
  const rooms = await engine.rooms(wordRule('block'), { inspectBytes: 10 })
  const chunks = [Buffer.from('PNG bluebird'), Buffer.from('more')]
  const { received, id } = await converse(rooms, {}, answerOf(chunks, ['content-type', 'image/png']))
  for (const [i, chunk] of chunks.entries()) assert.equal(received.chunks[i], chunk)
  const row = await engine.row(id)
  assert.deepEqual([row['response_bytes'], row['response_body']], [16, null])
  assert.equal(row['error'], 'not_inspected: answer image/png')
})

test('plain text is streamed and inspected, HTML is inspected whole', async () => {
  const rooms = await engine.rooms(wordRule('redact', 'response'))
  for (const type of ['text/plain', 'text/html; charset=utf-8', 'text/csv']) {
    const chunks = [Buffer.from('one blue'), Buffer.from('bird, é '), Buffer.from('end')]
    const { received } = await converse(
      rooms,
      { host: 'a.example', path: '/' },
      answerOf(chunks, ['content-type', type]),
    )
    assert.equal(received.text, 'one [REDACTED:KEYWORD:project], é end', type)
  }
})

test('an answer without a body stays without one', async () => {
  const rooms = await engine.rooms(wordRule('block'))
  const { received, id } = await converse(rooms, { body }, answerOf(null, ['X-A', 'b'], 204))
  assert.deepEqual([received.status, received.headers, received.text], [204, ['X-A', 'b'], ''])
  assert.equal((await engine.row(id))['response_bytes'], 0)
})

test("an origin's error is passed on and recorded with its status", async () => {
  const rooms = await engine.rooms(wordRule('redact'))
  const { received, id } = await converse(rooms, { body }, answerOf('{"error":{"message":"slow down"}}', json, 429))
  assert.deepEqual([received.status, received.text], [429, '{"error":{"message":"slow down"}}'])
  assert.partialDeepStrictEqual(await engine.row(id), { status: 429, decision: 'allow', error: null })
})
