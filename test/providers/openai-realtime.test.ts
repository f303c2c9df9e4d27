import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openai } from '../../src/providers/openai.ts'
import { aboutOf } from './samples/sample.ts'

const about = aboutOf('realtime', '/v1/realtime')
const message = (event: object): Uint8Array => Buffer.from(JSON.stringify(event))

test('the path says that a conversation is one', () => {
  for (const path of ['/v1/realtime', '/openai/realtime', '/openai/v1/realtime'])
    assert.equal(openai.operation({ ...about.target, path }, 'GET'), 'realtime')
})

test('texts grow over messages, each in its own channel, until they are done', () => {
  const at = { response_id: 'r1', item_id: 'i1', output_index: 0, content_index: 0 }
  const reader = openai.messageReader(about)
  const said = [
    { type: 'response.output_text.delta', ...at, delta: 'Hel' },
    { type: 'response.function_call_arguments.delta', ...at, output_index: 1, delta: '{"a":' },
    { type: 'conversation.item.input_audio_transcription.delta', item_id: 'i0', content_index: 0, delta: 'ask' },
    { type: 'response.output_text.delta', ...at, delta: 'lo' },
    { type: 'response.output_audio.delta', ...at, delta: 'AAAA' },
    { type: 'response.output_audio_transcript.delta', ...at, content_index: 1, delta: 'spoken' },
    { type: 'conversation.item.input_audio_transcription.completed', item_id: 'i0', transcript: 'asked' },
    { type: 'response.output_text.done', ...at, text: 'Hello' },
    { type: 'conversation.item.done', item: { id: 'i1', type: 'message', content: [] } },
    { type: 'response.done', response: { id: 'r1', status: 'completed', output: [] } },
  ]
  const events = said.flatMap((event) => reader.push(message(event)))
  const parts = events.flatMap((event) => event.parts.map(({ channel, text, whole }) => [channel, text, whole]))
  assert.deepEqual(parts, [
    ['output:0:0:text', 'Hel', false],
    ['output:1:0:arguments', '{"a":', false],
    ['item:i0:transcript', 'ask', false],
    ['output:0:0:text', 'lo', false],
    ['output:0:1:transcript', 'spoken', false],
    ['item:i0:transcript', 'asked', true],
    ['output:0:0:text', 'Hello', true],
  ])
  assert.deepEqual(
    events.map(({ ends }) => ends),
    [[], [], [], [], [], [], ['item:i0:transcript'], ['output:0:0:text'], [], ['*']],
  )
})

test('usage is that of all responses together, in disjoint buckets', () => {
  const usage = {
    total_tokens: 100,
    input_tokens: 60,
    output_tokens: 40,
    input_token_details: {
      text_tokens: 20,
      audio_tokens: 40,
      cached_tokens: 15,
      cached_tokens_details: { text_tokens: 5, audio_tokens: 10 },
    },
    output_token_details: { text_tokens: 10, audio_tokens: 30 },
  }
  const reader = openai.messageReader(about)
  const done = { type: 'response.done', response: { id: 'r1', status: 'completed', usage } }
  reader.push(message(done))
  reader.push(message({ type: 'response.created', response: { id: 'r2', status: 'in_progress', usage: null } }))
  reader.push(message({ ...done, response: { ...done.response, id: 'r2' } }))
  assert.deepEqual(reader.facts(), {
    model: null,
    usage: { input: 30, cachedInput: 30, audio: 120, output: 20 },
    finishReason: 'completed',
    upstreamId: 'r2',
    toolCalls: [],
  })
})

test('sound is told as what nobody can read', () => {
  const event = { type: 'input_audio_buffer.append', audio: Buffer.alloc(64).toString('base64') }
  assert.deepEqual(openai.readRequest(JSON.stringify(event), about).unread, ['audio'])
  const delta = { type: 'response.output_audio.delta', response_id: 'r1', delta: Buffer.alloc(64).toString('base64') }
  assert.deepEqual(openai.messageReader(about).push(message(delta))[0]?.unread, ['audio'])
})

test('what a client says is read for its texts, not for sound and ids', () => {
  const texts = (event: object): string[] =>
    openai.readRequest(JSON.stringify(event), about).parts.map(({ role, text }) => `${role}: ${text}`)
  assert.deepEqual(texts({ type: 'input_audio_buffer.append', event_id: 'e1', audio: 'UklGRg==' }), [])
  assert.deepEqual(
    texts({ type: 'session.update', session: { type: 'realtime', voice: 'marin', instructions: 'be kind' } }),
    ['system: be kind'],
  )
  const content = [{ type: 'input_text', text: 'hi there' }]
  assert.deepEqual(texts({ type: 'conversation.item.create', item: { type: 'message', role: 'user', content } }), [
    'user: hi there',
  ])
})
