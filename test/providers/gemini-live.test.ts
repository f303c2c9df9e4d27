import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gemini } from '../../src/providers/gemini.ts'
import { aboutOf } from './samples/sample.ts'

const path = '/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent'
const about = aboutOf('realtime', path)
const message = (event: object): Uint8Array => Buffer.from(JSON.stringify(event))

test('the path says that a conversation is one', () => {
  assert.equal(gemini.operation(about.target, 'GET'), 'realtime')
  assert.equal(
    gemini.operation(
      { ...about.target, path: '/ws/google.cloud.aiplatform.v1.LlmBidiService/BidiGenerateContent' },
      'GET',
    ),
    'realtime',
  )
})

test('texts grow over messages until the turn is over', () => {
  const reader = gemini.messageReader(about)
  const said = [
    { setupComplete: {} },
    { serverContent: { modelTurn: { parts: [{ text: 'Hel' }] } } },
    { serverContent: { inputTranscription: { text: 'ask' }, outputTranscription: { text: 'spo' } } },
    { serverContent: { modelTurn: { parts: [{ text: 'lo' }] } } },
    { toolCall: { functionCalls: [{ id: '1', name: 'look', args: { q: 'a b' } }] } },
    { serverContent: { turnComplete: true } },
  ]
  const events = said.flatMap((event) => reader.push(message(event)))
  const parts = events.flatMap((event) => event.parts.map(({ channel, text }) => `${channel}: ${text}`))
  assert.deepEqual(parts.slice(0, 4), ['text: Hel', 'input:heard: ask', 'output:said: spo', 'text: lo'])
  assert.ok(parts.some((part) => part.endsWith(': a b')))
  assert.deepEqual(events.at(-1)?.ends, ['*'])
  assert.deepEqual(reader.facts().toolCalls, ['look'])
})

test('usage is that of all turns together', () => {
  const reader = gemini.messageReader(about)
  const turn = { serverContent: { turnComplete: true }, usageMetadata: { promptTokenCount: 10, responseTokenCount: 4 } }
  reader.push(message(turn))
  reader.push(message(turn))
  assert.deepEqual(reader.facts().usage, { input: 20, output: 8 })
})

test('sound and pictures are told as what nobody can read', () => {
  const data = Buffer.alloc(64).toString('base64')
  const unread = (realtimeInput: object) => gemini.readRequest(JSON.stringify({ realtimeInput }), about).unread
  assert.deepEqual(unread({ audio: { mimeType: 'audio/pcm;rate=16000', data } }), ['audio'])
  assert.deepEqual(unread({ mediaChunks: [{ mimeType: 'image/jpeg', data }] }), ['image'])
  assert.deepEqual(unread({ text: 'hi there' }), [])
})

test('what a client says is read for its texts', () => {
  const texts = (event: object): string[] =>
    gemini.readRequest(JSON.stringify(event), about).parts.map(({ role, text }) => `${role}: ${text}`)
  const turns = [{ role: 'user', parts: [{ text: 'hi there' }] }]
  assert.deepEqual(texts({ clientContent: { turns, turnComplete: true } }), ['user: hi there'])
  assert.deepEqual(texts({ realtimeInput: { audio: { mimeType: 'audio/pcm', data: 'AAAA' } } }), [])
  assert.deepEqual(texts({ setup: { model: 'models/x', systemInstruction: { parts: [{ text: 'be kind' }] } } }), [
    'system: be kind',
  ])
})
