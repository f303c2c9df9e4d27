import assert from 'node:assert/strict'
import { test } from 'node:test'
import { anthropicDialect } from '../../src/providers/anthropic.ts'
import { defineProvider } from '../../src/providers/define.ts'
import { openaiDialect } from '../../src/providers/openai.ts'
import { chat } from './samples/openai.ts'
import { aboutOf, target } from './samples/sample.ts'

const both = defineProvider('both', ['both.example'], [openaiDialect, anthropicDialect])

test('a provider of several dialects speaks the one of the path, and the first where the path does not tell', () => {
  assert.equal(both.operation(target('/v1/messages'), 'POST'), 'messages')
  assert.equal(both.operation(target('/v1/chat/completions'), 'POST'), 'chat')
  assert.equal(both.operation(target('/x'), 'POST'), undefined)
  const refusal = { code: 'c', status: 403, message: 'no' }
  assert.match(both.refuse(refusal, aboutOf('messages', '/v1/messages')).body, /^\{"type":"error"/)
  assert.match(both.refuse(refusal).body, /^\{"error":/)
  assert.match(String(both.refuseEvent(refusal, aboutOf('messages', '/v1/messages'))), /^event: error/)
})

test('an answer is read event by event when its type says that it is a stream', () => {
  const types = [
    'text/event-stream',
    'Text/Event-Stream; charset=utf-8',
    'application/x-ndjson',
    'application/jsonl',
    'application/json-seq',
    'application/vnd.amazon.eventstream',
  ]
  for (const type of types) assert.ok(both.reader(aboutOf('chat', '/v1/chat/completions', type)) !== undefined, type)
  for (const type of ['', 'application/json', 'text/plain', 'audio/mpeg']) {
    assert.equal(both.reader(aboutOf('chat', '/v1/chat/completions', type)), undefined, type)
  }
})

test('a stream that was gathered first is read all the same, at its places in the whole', () => {
  const about = aboutOf('chat', '/v1/chat/completions', 'text/event-stream')
  const { facts, parts } = both.readAnswer(chat.stream.text, about)
  assert.deepEqual(facts, chat.stream.facts)
  assert.ok(parts.length > 5)
  for (const part of parts) {
    const raw = chat.stream.text.slice(part.place.start, part.place.end)
    assert.equal(JSON.parse(`"${raw}"`), part.text)
    assert.ok(!('channel' in part))
  }
})
