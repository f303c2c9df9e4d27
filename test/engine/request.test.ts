import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { headerOf } from '../../src/core/http.ts'
import { madeBody } from '../../src/http/body.ts'
import { chatRequest, chunksOf, converse, ok, startEngine, wordRule } from '../support/engine.ts'

const engine = startEngine()
const placeholder = /QX_KEYWORD_[0-9a-z]{14}/

const treatments = [
  { action: 'allow', forwarded: /about bluebird/, decision: 'allow', stored: /about \[REDACTED:KEYWORD:project\]/ },
  { action: 'flag', forwarded: /about bluebird/, decision: 'flag', stored: /about \[REDACTED/ },
  { action: 'redact', forwarded: /about \[REDACTED/, decision: 'redact', stored: /about \[REDACTED/ },
  { action: 'tokenize', forwarded: /about QX_KEYWORD_/, decision: 'tokenize', stored: /about QX_KEYWORD_/ },
]

for (const { action, forwarded, decision, stored } of treatments) {
  test(`${action}: the origin gets what the rule lets through, and the ledger never has what was found`, async () => {
    const rooms = await engine.rooms(wordRule(action, 'request'))
    const outcome = await converse(rooms, { body: chatRequest('about bluebird') })
    assert.match(outcome.forwarded?.text ?? '', forwarded)
    assert.equal(headerOf(outcome.forwarded?.headers ?? [], 'content-length'), String(outcome.forwarded?.bytes.length))
    const row = await engine.row(outcome.id)
    assert.equal(row['decision'], decision)
    assert.equal(row['state'], 'done')
    assert.equal(row['model'], 'gpt-5.1')
    assert.match(String(row['request_body']), stored)
    assert.doesNotMatch(JSON.stringify(row), /bluebird/)
  })
}

test('block: nothing is forwarded, and the answer names the rule but not what was found', async () => {
  const rooms = await engine.rooms(wordRule('block', 'request'))
  const outcome = await converse(rooms, { body: chatRequest('about bluebird') })
  assert.equal(outcome.forwarded, undefined)
  assert.equal(outcome.received.status, 403)
  assert.match(outcome.received.text, /our project/)
  assert.doesNotMatch(outcome.received.text, /bluebird/)
  const row = await engine.row(outcome.id)
  assert.deepEqual(
    [row['decision'], row['rule'], row['error'], row['status'], row['state']],
    ['block', 'our project', 'sallyport_blocked', 403, 'done'],
  )
  assert.doesNotMatch(JSON.stringify(row), /bluebird/)
})

test('observe: everything is recorded as flagged and the very bytes are forwarded', async () => {
  const rooms = await engine.rooms(`mode: observe\n${wordRule('block')}`)
  const body = chatRequest('about bluebird')
  const outcome = await converse(rooms, { body }, ok('bluebird it is'))
  assert.equal(outcome.forwarded?.text, body)
  assert.match(outcome.received.text, /bluebird it is/)
  assert.equal((await engine.row(outcome.id))['decision'], 'flag')
})

const odd = '{ "model":"m" ,\r\n\t"messages":[{"role":"user","content":"caf\\u00e9 \\/ é","unknown":[1.0e2,null]}] }\n'

test('a request without findings goes on with its very bytes, however it was spelled', async () => {
  const rooms = await engine.rooms(wordRule('redact'))
  const bodies = [odd, gzipSync(odd), Buffer.from([0x7b, 0xff, 0xfe, 0x7d]), '', 'no JSON at all']
  for (const body of bodies) {
    const coded = typeof body !== 'string' && body[0] === 0x1f
    const headers = ['Content-Type', 'application/json', 'X-Odd', 'a', ...(coded ? ['Content-Encoding', 'gzip'] : [])]
    const { forwarded } = await converse(rooms, { headers, body })
    assert.deepEqual(forwarded?.bytes, Buffer.from(body))
    assert.deepEqual(forwarded?.headers.slice(0, headers.length), headers)
  }
})

test('a compressed request loses its coding when it is edited, and its framing fits', async () => {
  const rooms = await engine.rooms(wordRule('tokenize'))
  const body = gzipSync(chatRequest('about bluebird'))
  const headers = ['Content-Type', 'application/json', 'Content-Encoding', 'gzip', 'Content-Length', `${body.length}`]
  const { forwarded, id } = await converse(rooms, { headers, body })
  assert.match(forwarded?.text ?? '', placeholder)
  assert.equal(headerOf(forwarded?.headers ?? [], 'content-encoding'), undefined)
  assert.equal(headerOf(forwarded?.headers ?? [], 'content-length'), String(forwarded?.bytes.length))
  assert.equal((await engine.row(id))['request_bytes'], body.length)
})

test('a request that came in chunks is sent with a length', async () => {
  const rooms = await engine.rooms()
  const chunks = [Buffer.from('{"a":'), Buffer.from('1}')]
  const headers = ['content-type', 'application/json', 'Transfer-Encoding', 'chunked']
  const { forwarded } = await converse(rooms, { headers, body: madeBody(chunksOf(chunks), undefined) })
  assert.equal(forwarded?.text, '{"a":1}')
  assert.deepEqual(forwarded?.headers, ['content-type', 'application/json', 'Content-Length', '7'])
})

test('a request without a body stays without one', async () => {
  const rooms = await engine.rooms(wordRule('block'))
  const { forwarded, received } = await converse(rooms, { method: 'GET', path: '/v1/models', headers: [] })
  assert.deepEqual(forwarded?.headers, [])
  assert.equal(received.status, 200)
})

// ip-access cannot judge a client without an address.
const failing = (onError: string): string =>
  `rules: [{ name: known clients, on: request, hook: ip-access, options: { deny: [192.0.2.1] }, action: flag, onError: ${onError} }]`

test('a hook that fails blocks the request when its rule says so', async () => {
  const { received, forwarded, id } = await converse(await engine.rooms(failing('block')), {
    clientIp: '',
    body: chatRequest('hello'),
  })
  assert.equal(forwarded, undefined)
  assert.equal(received.status, 403)
  assert.match(received.text, /the check \\?"known clients\\?" could not run/)
  const row = await engine.row(id)
  assert.deepEqual([row['decision'], row['error']], ['block', 'hook_failed'])
  assert.equal(JSON.parse(String(row['hooks']))[0].verdict, 'error')
})

test('a hook that fails lets the request pass when its rule says so, and the failure is recorded and logged', async () => {
  const rooms = await engine.rooms(failing('allow'))
  const { forwarded, id } = await converse(rooms, { clientIp: '', body: chatRequest('hello') })
  assert.ok(forwarded)
  assert.equal(JSON.parse(String((await engine.row(id))['hooks']))[0].verdict, 'error')
  assert.match(await rooms.metrics.registry.metrics(), /sallyport_hook_errors_total\{hook="ip-access"\} 1/)
})

test('a body that is not read is counted, passed on as it came, and not kept', async () => {
  const rooms = await engine.rooms(wordRule('block'))
  const body = Buffer.from('%PDF\0bluebird')
  const { forwarded, id } = await converse(rooms, {
    host: 'files.example',
    path: '/up',
    headers: ['content-type', 'application/pdf'],
    body,
  })
  assert.deepEqual(forwarded?.bytes, body)
  const row = await engine.row(id)
  assert.equal(row['request_bytes'], body.length)
  assert.equal(row['request_body'], null)
  assert.equal(row['error'], 'not_inspected: application/pdf')
})

test('placeholders belong to whoever sent the value: one principal never gets those of another', async () => {
  const rooms = await engine.rooms(wordRule('tokenize', 'request'))
  const body = chatRequest('about bluebird')
  const seen = new Set<string>()
  for (const who of [{ principal: 'ada' }, { principal: 'bob' }, { clientIp: '10.0.0.9' }, { principal: 'ada' }]) {
    const { forwarded } = await converse(rooms, { ...who, body })
    seen.add(placeholder.exec(forwarded?.text ?? '')?.[0] ?? '')
  }
  assert.equal(seen.size, 3)
  const mine = [...seen][0] as string
  const { received } = await converse(rooms, { principal: 'bob', body: chatRequest('x') }, ok(`say ${mine}`))
  assert.match(received.text, new RegExp(mine))
})

test('store: full keeps the request as it came, none keeps nothing', async () => {
  const body = chatRequest('about bluebird')
  for (const [store, kept] of [
    ['full', body],
    ['none', null],
  ] as const) {
    const { id } = await converse(await engine.rooms(wordRule('redact'), { store }), { body })
    assert.equal((await engine.row(id))['request_body'], kept)
  }
})

test('a signed thinking block that holds a found value goes on as it is, and is stored without it', async () => {
  const rooms = await engine.rooms(wordRule('tokenize', 'request'))
  const thinking = { type: 'thinking', thinking: 'they said bluebird', signature: 'c2ln' }
  const said = {
    model: 'claude',
    max_tokens: 9,
    messages: [
      { role: 'assistant', content: [thinking] },
      { role: 'user', content: 'go on' },
    ],
  }
  const asked = { body: JSON.stringify(said), host: 'api.anthropic.com', path: '/v1/messages' }
  const { forwarded, id, received } = await converse(rooms, asked)
  assert.equal(received.status, 200)
  assert.equal(forwarded?.text, JSON.stringify(said))
  assert.doesNotMatch(JSON.stringify(await engine.row(id)), /bluebird/)
})

test('what is over a limit is answered with 429 in the dialect, and when to come again', async () => {
  const rooms = await engine.rooms(
    'rules: [{ name: slowly, on: request, hook: rate-limit, options: { max: 1, windowSeconds: 20 } }]',
  )
  assert.equal((await converse(rooms, { body: chatRequest('hello') })).received.status, 200)
  const { received, forwarded, id } = await converse(rooms, { body: chatRequest('hello') })
  assert.deepEqual([received.status, forwarded], [429, undefined])
  assert.match(headerOf(received.headers, 'retry-after') ?? '', /^(?:1?\d|2[01])$/)
  assert.equal(JSON.parse(received.text).error.code, 'rate_limited')
  const row = await engine.row(id)
  assert.deepEqual([row['decision'], row['rule'], row['error']], ['block', 'slowly', 'rate_limited'])
})

const withPdf = JSON.stringify({
  model: 'gpt-5.1',
  messages: [
    {
      role: 'user',
      content: [
        { type: 'text', text: 'read it' },
        { type: 'file', file: { filename: 'a.pdf', file_data: Buffer.from('%PDF-1.7\n').toString('base64') } },
      ],
    },
  ],
})

test('what nobody can read is recorded, and refused where policy says so', async () => {
  const cases: [string, number, RegExp][] = [
    ['', 200, /^not_inspected: pdf$/],
    ['opaque: { pdf: block, default: allow }\n', 403, /^opaque_content; not_inspected: pdf$/],
    ['opaque: { pdf: allow, default: block }\n', 200, /^not_inspected: pdf$/],
    ['opaque: block\n', 403, /^opaque_content/],
    ['mode: observe\nopaque: block\n', 200, /^not_inspected: pdf$/],
  ]
  for (const [policy, status, error] of cases) {
    const rooms = await engine.rooms(`${policy}${wordRule('flag', 'request')}`)
    const outcome = await converse(rooms, { body: withPdf }, ok('fine'))
    assert.equal(outcome.received.status, status, policy)
    assert.equal(outcome.forwarded === undefined, status === 403)
    const row = await engine.row(outcome.id)
    assert.match(String(row['error']), error)
    assert.equal(row['decision'], status === 403 ? 'block' : 'allow')
  }
})

test('a number, a name of a member and a tool that policy finds are replaced, and the columns do not have them', async () => {
  const rooms = await engine.rooms(wordRule('redact', 'request'))
  const body = JSON.stringify({
    model: 'bluebird',
    messages: [],
    tools: [{ type: 'function', function: { name: 'bluebird', parameters: {} } }],
    metadata: { 'the bluebird': 1, 'a bluebird': 'b' },
  })
  const outcome = await converse(rooms, { body }, ok('fine'))
  const sent = JSON.parse(outcome.forwarded?.text ?? '')
  assert.deepEqual(Object.keys(sent.metadata), ['the [REDACTED:KEYWORD:project]', 'a [REDACTED:KEYWORD:project]'])
  assert.equal(sent.tools[0].function.name, '[REDACTED:KEYWORD:project]')
  assert.doesNotMatch(String((await engine.row(outcome.id))['tools']), /bluebird/)
})

test('beside a body that nobody can read, the head is looked at', async () => {
  const asked = {
    path: '/v1/pictures',
    body: Buffer.from('\u0089PNG\r\n\u001a\n', 'latin1'),
    headers: ['content-type', 'image/png', 'x-note', 'a bluebird'],
  }
  const { received, forwarded } = await converse(await engine.rooms(wordRule('block', 'request')), asked)
  assert.deepEqual([received.status, forwarded], [403, undefined])
})
