import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openai } from '../../src/providers/openai.ts'
import { responses } from './samples/openai.ts'
import { aboutOf } from './samples/sample.ts'

const about = aboutOf('responses', '/v1/responses')

test('what a request says, with a list or a string for input', () => {
  assert.deepEqual(openai.readRequest(responses.request, about).facts, {
    model: 'gpt-5.1',
    stream: false,
    messages: 5,
    tools: ['read'],
  })
  const { facts, parts } = openai.readRequest('{"input":"hi there","stream":true}', about)
  assert.deepEqual([facts.messages, facts.stream], [1, true])
  assert.deepEqual(
    parts.map((part) => [part.text, part.role, part.kind]),
    [['hi there', 'user', 'message']],
  )
})

test('each text has its role and kind', () => {
  const told = openai
    .readRequest(responses.request, about)
    .parts.map((part) => `${part.text} ${part.role} ${part.kind}`)
  assert.deepEqual(told, [
    '«be brief» system message',
    '«hi» user message',
    '«a.pdf» user file-name',
    '«why» assistant reasoning',
    '«Hello» assistant message',
    'read user tool-definition',
    '«path» assistant tool-arguments',
    '«a» assistant tool-arguments',
    '«done» tool tool-result',
    'read unknown tool-definition',
    '«reads» unknown tool-definition',
    '«new text» unknown other',
  ])
})

test('deltas grow; what an event repeats is whole', () => {
  const reader = openai.reader({ ...about, contentType: 'text/event-stream' })
  const events = reader?.push(Buffer.from(responses.stream.text)) ?? []
  const seen = events.map((event) =>
    event.parts.map((part) => `${part.channel} ${part.whole ? 'whole' : part.fragment} ${part.text}`),
  )
  assert.deepEqual(seen.slice(0, 9), [
    ['output:0:0:response.instructions whole «be brief»'],
    [],
    ['output:0:0:text text Hel'],
    ['output:0:0:text text lo é'],
    ['output:0:0:text whole Hello é'],
    ['output:1:0:item.name whole read'],
    ['output:1:0:arguments json {"path":'],
    ['output:1:0:arguments json "a"}'],
    ['output:1:0:arguments{0} whole path', 'output:1:0:arguments.path whole a'],
  ])
  assert.ok(events.at(-1)?.parts.every((part) => part.whole))
  assert.deepEqual(
    events.map((event) => event.ends).filter((ends) => ends.length > 0),
    [['output:0:0:text'], ['output:1:0:arguments'], ['*']],
  )
})

test('every kind of delta grows in its own text, also one nobody knows', () => {
  const kinds: [string, string][] = [
    ['response.refusal.delta', 'refusal'],
    ['response.reasoning_text.delta', 'reasoning'],
    ['response.reasoning_summary_text.delta', 'summary'],
    ['response.mcp_call_arguments.delta', 'arguments'],
    ['response.custom_tool_call_input.delta', 'input'],
    ['response.code_interpreter_call_code.delta', 'code'],
    ['response.audio.transcript.delta', 'transcript'],
    ['response.brand_new.delta', 'delta'],
  ]
  const reader = openai.reader({ ...about, contentType: 'text/event-stream' })
  for (const [type, name] of kinds) {
    const [event] =
      reader?.push(
        Buffer.from(`data: ${JSON.stringify({ type, output_index: 2, content_index: 1, delta: 'a b' })}\n\n`),
      ) ?? []
    assert.deepEqual(
      event?.parts.map((part) => [part.channel, part.whole]),
      [[`output:2:1:${name}`, false]],
      type,
    )
  }
  assert.equal(
    reader?.push(Buffer.from('data: {"type":"response.audio.delta","delta":"AAAA"}\n\n'))[0]?.parts.length,
    0,
  )
})

test('an incomplete or failed response says why, and ends everything', () => {
  for (const type of ['response.incomplete', 'response.failed']) {
    const reader = openai.reader({ ...about, contentType: 'text/event-stream' })
    const response = {
      id: 'resp_1',
      status: type.slice(9),
      incomplete_details: { reason: 'max_output_tokens' },
      output: [],
    }
    const [event] = reader?.push(Buffer.from(`data: ${JSON.stringify({ type, response })}\n\n`)) ?? []
    assert.deepEqual(event?.ends, ['*'])
    assert.equal(reader?.facts().finishReason, 'max_output_tokens')
  }
})

test('a call is noted once, though three events name it', () => {
  const { facts } = openai.readAnswer(responses.answer, about)
  assert.deepEqual(facts.toolCalls, ['read'])
  assert.deepEqual(facts.usage, { input: 10, cachedInput: 40, output: 12, reasoning: 8 })
})

test('a blocked stream ends as a failed response', () => {
  const event = String(openai.refuseEvent({ code: 'sallyport_blocked', status: 403, message: 'no' }, about))
  const [name, data] = event.split('\n') as [string, string]
  assert.equal(name, 'event: response.failed')
  const { type, response } = JSON.parse(data.slice(6))
  assert.deepEqual(
    [type, response.status, response.error],
    ['response.failed', 'failed', { code: 'sallyport_blocked', message: 'no' }],
  )
})
