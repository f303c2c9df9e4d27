import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ollama } from '../../src/providers/ollama.ts'
import { aboutOf } from './samples/sample.ts'

test('streaming is its default, but for embeddings', () => {
  const facts = (body: string) => ollama.readRequest(body, aboutOf('chat', '/api/chat')).facts
  assert.equal(facts('{"messages":[{},{}]}').stream, true)
  assert.equal(facts('{"messages":[{},{}]}').messages, 2)
  assert.equal(facts('{"stream":false}').stream, false)
  assert.equal(facts('{"input":"a"}').stream, false)
})

test('a generated text grows line by line and ends when it is done', () => {
  const reader = ollama.reader(aboutOf('completions', '/api/generate', 'application/x-ndjson'))
  const lines =
    '{"model":"m","response":"a b","done":false}\n{"model":"m","response":"","done":true,"done_reason":"stop","eval_count":4}\n'
  const events = reader?.push(Buffer.from(lines)) ?? []
  assert.deepEqual(
    events.map((event) => [event.parts.map((part) => [part.channel, part.text]), event.ends]),
    [
      [[['response', 'a b']], []],
      [[], ['*']],
    ],
  )
  assert.deepEqual(reader?.facts().usage, { output: 4 })
})

test('calls of tools are read, arguments as the object they are', () => {
  const body =
    '{"message":{"role":"assistant","content":"","tool_calls":[{"function":{"name":"f","arguments":{"city":"x y"}}}]}}'
  const { facts, parts } = ollama.readAnswer(body, aboutOf('chat', '/api/chat'))
  assert.deepEqual(facts.toolCalls, ['f'])
  assert.deepEqual(
    parts.map((part) => part.text),
    ['f', 'city', 'x y'],
  )
})

test('its own paths and those of the OpenAI shape are refused each in their way', () => {
  const refusal = { code: 'sallyport_blocked', status: 403, message: 'no' }
  assert.equal(ollama.refuse(refusal, aboutOf('chat', '/api/chat')).body, '{"error":"no"}')
  assert.match(ollama.refuse(refusal, aboutOf('chat', '/v1/chat/completions')).body, /sallyport_blocked/)
})
