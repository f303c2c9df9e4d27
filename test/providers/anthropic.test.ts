import assert from 'node:assert/strict'
import { test } from 'node:test'
import { anthropic } from '../../src/providers/anthropic.ts'
import { messages } from './samples/anthropic.ts'
import { aboutOf, target } from './samples/sample.ts'

const about = aboutOf('messages', '/v1/messages')

test('what a request says: model, stream, messages, tools', () => {
  assert.deepEqual(anthropic.readRequest(messages.request, about).facts, {
    model: 'claude-sonnet-4-5',
    stream: false,
    messages: 3,
    tools: ['read'],
  })
  const onVertex = '/v1/projects/p/locations/l/publishers/anthropic/models/claude@1:streamRawPredict'
  const { facts } = anthropic.readRequest('{"messages":[]}', aboutOf('messages', onVertex))
  assert.deepEqual([facts.model, facts.stream], ['claude@1', true])
})

test('each text has its role and kind', () => {
  const { parts } = anthropic.readRequest(messages.request, about)
  const told = parts.map((part) => `${part.text} ${part.role} ${part.kind}`)
  assert.deepEqual(told, [
    '«be brief» system message',
    '«hi» user message',
    '«hm» assistant reasoning',
    'read assistant tool-definition',
    '«path» assistant tool-arguments',
    '«/tmp/é» assistant tool-arguments',
    '«content» tool tool-result',
    '«a.txt» user file-name',
    '«body» user message',
    'read unknown tool-definition',
    '«reads» unknown tool-definition',
    'path unknown tool-definition',
    '«x» unknown tool-definition',
    'user_id unknown metadata',
    '«u-1» unknown metadata',
    '«new» unknown other',
  ])
})

test('thinking is sealed where it is signed, in requests, answers and streams, and nothing else is', () => {
  const { parts } = anthropic.readRequest(messages.request, about)
  assert.deepEqual(
    parts.filter((part) => part.sealed).map((part) => part.text),
    ['«hm»'],
  )
  const unsigned = '{"messages":[{"role":"assistant","content":[{"type":"thinking","thinking":"a"}]}]}'
  assert.equal(anthropic.readRequest(unsigned, about).parts[0]?.sealed, undefined)
  const answer = '{"content":[{"type":"thinking","thinking":"a","signature":"AAAA"},{"type":"text","text":"b"}]}'
  assert.deepEqual(
    anthropic.readAnswer(answer, about).parts.map((part) => part.sealed),
    [true, undefined],
  )
  const reader = anthropic.reader({ ...about, contentType: 'text/event-stream' })
  const events = reader?.push(Buffer.from(messages.stream.text)) ?? []
  const sealed = events.flatMap((event) => event.parts.filter((part) => part.sealed).map((part) => part.channel))
  assert.deepEqual(sealed, ['block:0:thinking'])
})

test('the texts of a stream grow by block, and end with it', () => {
  const reader = anthropic.reader({ ...about, contentType: 'text/event-stream' })
  const events = reader?.push(Buffer.from(messages.stream.text)) ?? []
  const seen = events.flatMap((event) => [
    ...event.parts.map((part) => `${part.channel} ${part.fragment} ${part.text}`),
    ...event.ends.map((channel) => `end ${channel}`),
  ])
  assert.deepEqual(seen, [
    'block:0:thinking text hm',
    'end block:0:thinking',
    'block:1:text text Hel',
    'block:1:text text lo é',
    'end block:1:text',
    'block:2:content_block.name text read',
    'block:2:input json {"path": "a',
    'block:2:input json \\n"}',
    'end block:2:input',
    'end *',
  ])
})

test('usage of the last event is the total, and counts it leaves out stand', () => {
  const { facts } = anthropic.readAnswer(messages.answer, about)
  assert.deepEqual(facts.usage, { input: 10, cachedInput: 900, cacheWrite: 90, output: 5 })
  assert.deepEqual([facts.finishReason, facts.toolCalls], ['tool_use', ['read']])
})

test('an error in the middle ends every text', () => {
  const reader = anthropic.reader({ ...about, contentType: 'text/event-stream' })
  const text = 'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"too busy"}}\n\n'
  const [event] = reader?.push(Buffer.from(text)) ?? []
  assert.deepEqual(event?.ends, ['*'])
  assert.deepEqual(
    event?.parts.map((part) => part.text),
    ['too busy'],
  )
})

test('the legacy completion grows in one text', () => {
  const complete = aboutOf('complete', '/v1/complete', 'text/event-stream')
  const reader = anthropic.reader(complete)
  const lines = [{ completion: ' Hi' }, { completion: ' you', stop_reason: 'stop_sequence', model: 'claude-2' }]
  const events =
    reader?.push(
      Buffer.from(lines.map((line) => `data: ${JSON.stringify({ type: 'completion', ...line })}\n\n`).join('')),
    ) ?? []
  assert.deepEqual(
    events.map((event) => [event.parts[0]?.channel, event.ends]),
    [
      ['completion', []],
      ['completion', ['*']],
    ],
  )
  assert.equal(reader?.facts().finishReason, 'stop_sequence')
})

test('refusals have Anthropic’s shape', () => {
  const refusal = { code: 'sallyport_blocked', status: 403, message: 'no' }
  assert.equal(anthropic.refuse(refusal).body, '{"type":"error","error":{"type":"permission_error","message":"no"}}')
  assert.equal(anthropic.refuseEvent(refusal), `event: error\ndata: ${anthropic.refuse(refusal).body}\n\n`)
  for (const [status, type] of [
    [413, 'request_too_large'],
    [400, 'invalid_request_error'],
    [502, 'api_error'],
    [504, 'timeout_error'],
  ] as const) {
    assert.match(anthropic.refuse({ ...refusal, status }).body, new RegExp(`"${type}"`))
  }
})

test('only its own paths are messages', () => {
  for (const path of ['/v1/messages', '/v1/messages/', '/anthropic/v1/messages'])
    assert.equal(anthropic.operation(target(path), 'POST'), 'messages')
  for (const path of ['/v1/threads/t/messages', '/messages', '/v1/messages/x/y'])
    assert.equal(anthropic.operation(target(path), 'POST'), undefined)
})
