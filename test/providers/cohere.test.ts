import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cohere } from '../../src/providers/cohere.ts'
import { cohere as sample } from './samples/cohere.ts'
import { aboutOf } from './samples/sample.ts'

const about = aboutOf('chat', '/v2/chat', 'text/event-stream')

test('texts of a stream grow by content and by call, and end with them', () => {
  const reader = cohere.reader(about)
  const events = reader?.push(Buffer.from(sample.stream.text)) ?? []
  const channels: Record<string, string> = {}
  for (const { parts } of events)
    for (const { channel, fragment, text } of parts) {
      const key = `${channel} ${fragment}`
      channels[key] = (channels[key] ?? '') + text
    }
  assert.deepEqual(channels, {
    'tool:0:plan text': 'I look',
    'content:0:text text': 'Hello é',
    'tool:0:tool:arguments json': '{"q":"\\u00e9"}',
  })
  assert.deepEqual(
    events.flatMap(({ ends }) => ends),
    ['content:0:text', 'tool:0:plan', 'tool:0:tool:arguments', '*'],
  )
})

test('the first version of the API is read too, by lines', () => {
  const reader = cohere.reader(aboutOf('chat', '/v1/chat', 'application/stream+json'))
  const lines = [
    { event_type: 'text-generation', text: 'Hel' },
    { event_type: 'text-generation', text: 'lo' },
    { event_type: 'stream-end', finish_reason: 'COMPLETE', response: { text: 'Hello' } },
  ]
  const events = reader?.push(Buffer.from(lines.map((line) => `${JSON.stringify(line)}\n`).join(''))) ?? []
  const parts = events.flatMap((event) => event.parts)
  assert.deepEqual(
    parts.map(({ text, whole }) => [text, whole]),
    [
      ['Hel', false],
      ['lo', false],
      ['Hello', true],
    ],
  )
  assert.equal(new Set(parts.slice(0, 2).map(({ channel }) => channel)).size, 1)
  assert.equal(reader?.facts().finishReason, 'COMPLETE')
})

test('a stream that is stopped ends with the error that the API documents', () => {
  const refusal = { code: 'sallyport_blocked', status: 403, message: 'no' }
  const end = 'event: message-end\ndata: {"type":"message-end","delta":{"error":"no","finish_reason":"ERROR"}}\n\n'
  assert.equal(cohere.refuseEvent(refusal, about), end)
  const lines = cohere.refuseEvent(refusal, { ...about, contentType: 'application/stream+json' })
  assert.deepEqual(JSON.parse(String(lines)), { event_type: 'stream-end', finish_reason: 'ERROR', error: 'no' })
})
