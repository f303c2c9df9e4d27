import assert from 'node:assert/strict'
import { test } from 'node:test'
import { judgeMessage, modelOf } from '../../src/engine/message.ts'
import { startTrace } from '../../src/engine/trace.ts'
import { client, startEngine, wordRule } from '../support/engine.ts'

const engine = startEngine()

const models: [query: string, model: string | null][] = [
  ['?model=gpt-realtime', 'gpt-realtime'],
  ['?a=b&model=gpt-4o%2Drealtime', 'gpt-4o-realtime'],
  ['?model=', null],
  ['?model=a%20b', null],
  [`?model=${'x'.repeat(200)}`, null],
  ['', null],
]
for (const [query, model] of models) {
  test(`the target ${query} names the model ${model ?? 'of nobody'}`, async () => {
    const { exchange } = client({ method: 'GET', path: '/v1/realtime', query })
    assert.equal(modelOf(startTrace(await engine.rooms(), exchange)), model)
  })
}

const events: [text: string, model: string | null][] = [
  ['{"type":"session.update","session":{"model":"gpt-realtime"}}', 'gpt-realtime'],
  ['{"setup":{"model":"models/gemini-live"}}', 'gemini-live'],
  ['{"setup":{"model":7}}', null],
  ['{"item":{"model":"x"}}', null],
  ['"model"', null],
  ['{"setup":{"model":"x"}', null],
  ['null', null],
]
for (const [text, model] of events) {
  test(`the event ${text} names the model ${model ?? 'of nobody'}`, async () => {
    const rooms = await engine.rooms()
    const trace = startTrace(rooms, client({ method: 'GET', path: '/v1/realtime' }).exchange)
    assert.deepEqual(await judgeMessage(rooms, trace, 'up', text, undefined), { kind: 'pass' })
    assert.equal(trace.request.model, model)
  })
}

test('what is replaced stands in its place, and the rest of the event is the same', async () => {
  const rooms = await engine.rooms(wordRule('redact'))
  const trace = startTrace(rooms, client({ method: 'GET', path: '/v1/realtime' }).exchange)
  const event = (text: string): string => `{ "type":"conversation.item.create",  "n":1.0e2, "item":{"text":"${text}"} }`
  const verdict = await judgeMessage(rooms, trace, 'up', event('a \\u0062luebird'), undefined)
  assert.deepEqual(verdict, { kind: 'replace', text: event('a [REDACTED:KEYWORD:project]') })
})
