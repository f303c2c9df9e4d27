import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import type { Rooms } from '../../src/engine/exchange.ts'
import { budgetOf } from '../support/budget.ts'
import { outsideJudge } from '../support/outside-judge.ts'
import { answerOf, chatRequest, chatStream, converse, eventStream, spoken, startEngine } from '../support/engine.ts'

const engine = startEngine()
const body = chatRequest('hello', { stream: true })

async function judged(t: TestContext, reply: unknown, policy = '', over: Partial<Rooms> = {}) {
  const judge = await outsideJudge(t, reply)
  const rules = `${policy}
rules:
  - { name: asked outside, on: response, hook: webhook, options: { url: '${judge.url}', secret: not-a-real-secret-1 }, action: flag }
  - { name: our project, on: response, hook: keywords, options: { name: project, words: [bluebird] }, action: redact }
`
  return { judge, rooms: await engine.rooms(rules, over) }
}

test('the judge sees the joined text once, and a stream it allows goes on whole', async (t) => {
  const { judge, rooms } = await judged(t, { verdict: 'allow' })
  const chunks = chatStream('a quiet ', 'answer')
  const { received, id } = await converse(rooms, { body }, answerOf(chunks, eventStream))
  assert.equal(judge.asked.length, 1)
  const { texts } = JSON.parse(judge.asked[0]?.body ?? '') as { texts: { text: string }[] }
  assert.deepEqual(
    texts.map(({ text }) => text),
    ['a quiet answer'],
  )
  assert.deepEqual(Buffer.concat(received.chunks), Buffer.concat(chunks))
  const row = await engine.row(id)
  assert.deepEqual([row['decision'], row['finish_reason'], row['state']], ['allow', 'stop', 'done'])
})

test('nothing of a stream that the judge blocks leaves but the error event', async (t) => {
  const { rooms } = await judged(t, { verdict: 'block' })
  const { received, id } = await converse(rooms, { body }, answerOf(chatStream('never ', 'seen'), eventStream))
  assert.match(received.text, /^data: \{"error":.*asked outside.*\}\n\n$/)
  assert.doesNotMatch(received.text, /never|seen/)
  const row = await engine.row(id)
  assert.deepEqual([row['decision'], row['rule']], ['block', 'asked outside'])
})

test('what the judge wants masked is masked in the events, whatever pieces it came in', async (t) => {
  const finding = { text: 0, start: 3, end: 9, type: 'CODENAME' }
  const { rooms } = await judged(t, { verdict: 'redact', findings: [finding] })
  const { received, id } = await converse(rooms, { body }, answerOf(chatStream('an ow', 'let', 's flies'), eventStream))
  assert.equal(spoken(received.text), 'an [REDACTED:JUDGED] flies')
  assert.doesNotMatch(spoken(String((await engine.row(id))['response_body'])), /owlets/)
})

test('detectors still work on a stream that the judge allows', async (t) => {
  const { rooms } = await judged(t, { verdict: 'allow' })
  const { received } = await converse(rooms, { body }, answerOf(chatStream('a blue', 'bird'), eventStream))
  assert.equal(spoken(received.text), 'a [REDACTED:KEYWORD:project]')
})

test('a judge that cannot be understood stops the stream', async (t) => {
  const { rooms } = await judged(t, 'what?')
  const { received, id } = await converse(rooms, { body }, answerOf(chatStream('never seen'), eventStream))
  assert.match(received.text, /could not run/)
  assert.doesNotMatch(received.text, /never/)
  assert.equal((await engine.row(id))['decision'], 'block')
})

const long = chatStream(...Array.from({ length: 40 }, (_, i) => `piece ${i} of a bluebird. `))

test('a stream that is too large to be judged is stopped, and so recorded', async (t) => {
  const { judge, rooms } = await judged(t, { verdict: 'allow' }, '', { inspectBytes: 1_000 })
  const { received, id } = await converse(rooms, { body }, answerOf(long, eventStream))
  assert.match(received.text, /^data: \{"error":.*larger than 1000 bytes.*\}\n\n$/)
  assert.equal(judge.asked.length, 0)
  const row = await engine.row(id)
  assert.deepEqual([row['decision'], row['error']], ['block', 'sallyport_too_large'])
})

test('with `oversize: allow` a stream that is too large passes the detectors alone, whole, and so recorded', async (t) => {
  const { judge, rooms } = await judged(t, { verdict: 'block' }, 'oversize: allow', { inspectBytes: 1_000 })
  const { received, id } = await converse(rooms, { body }, answerOf(long, eventStream))
  const expected = Array.from({ length: 40 }, (_, i) => `piece ${i} of a [REDACTED:KEYWORD:project]. `).join('')
  assert.equal(spoken(received.text), expected)
  assert.match(received.text, /data: \[DONE\]\n\n$/)
  assert.equal(judge.asked.length, 0)
  assert.equal((await engine.row(id))['error'], 'not_inspected: answer oversize')
})

test('a stream that finds no room to be judged in ends with a word of that, and nothing of it passes', async (t) => {
  const { judge, rooms } = await judged(t, { verdict: 'allow' }, '', { budget: budgetOf(10, { waitMs: 20 }) })
  assert.ok(rooms.budget.take(10))
  const { received, id } = await converse(rooms, {}, answerOf(long, eventStream))
  assert.match(received.text, /overloaded|no room/)
  assert.doesNotMatch(received.text, /bluebird/)
  assert.equal(judge.asked.length, 0)
  assert.equal((await engine.row(id))['error'], 'overloaded')
})
