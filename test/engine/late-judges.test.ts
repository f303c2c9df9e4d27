import assert from 'node:assert/strict'
import { test } from 'node:test'
import { outsideJudge } from '../support/outside-judge.ts'
import { answerOf, chatRequest, chatStream, converse, eventStream, startEngine } from '../support/engine.ts'

const engine = startEngine()
const body = chatRequest('hello', { stream: true })
const rule = (hook: string, action: string, options = '{}'): string =>
  `rules: [{ name: good answers, on: response, hook: ${hook}, options: ${options}, action: ${action} }]`

test('an answer is judged when it has been sent, chunk by chunk, as it came', async () => {
  const rooms = await engine.rooms(rule('quality', 'flag', '{ minLength: 500 }'))
  const chunks = chatStream("I'm sorry, ", 'but I cannot help with that.')
  const { received, id } = await converse(rooms, { body }, answerOf(chunks, eventStream))
  assert.deepEqual(received.chunks, chunks)
  const row = await engine.row(id)
  const findings = JSON.parse(String(row['findings'])) as { type: string; action: string }[]
  assert.deepEqual(
    findings.map(({ type, action }) => [type, action]),
    [
      ['QUALITY:short', 'flag'],
      ['QUALITY:refusal', 'flag'],
    ],
  )
  assert.equal(row['decision'], 'flag')
})

test('where the rule blocks, the answer waits, and nothing of it is sent', async () => {
  const rooms = await engine.rooms(rule('quality', 'block'))
  const { received, id } = await converse(
    rooms,
    { body },
    answerOf(chatStream("I'm sorry, ", 'but I cannot help with that.'), eventStream),
  )
  assert.doesNotMatch(received.text, /sorry/)
  assert.equal((await engine.row(id))['decision'], 'block')
})

test('observing, a judge of answers hears streams, too, and nobody waits for it', async (t) => {
  const { url, asked } = await outsideJudge(
    t,
    { verdict: 'block' },
    { headers: { 'content-type': 'application/json' } },
  )
  const options = `{ url: "${url}", secret: "an example secret" }`
  const rooms = await engine.rooms(`mode: observe\n${rule('webhook', 'flag', options)}`)
  const chunks = chatStream('one ', 'two')
  const { received, id } = await converse(rooms, { body }, answerOf(chunks, eventStream))
  assert.deepEqual(received.chunks, chunks)
  assert.match(asked[0]?.body ?? '', /"text":"one two"/)
  assert.equal((await engine.row(id))['decision'], 'flag')
})

test('a judge whose verdict is its own is waited for, whatever its rule says', async (t) => {
  const { url } = await outsideJudge(t, { verdict: 'block' }, { headers: { 'content-type': 'application/json' } })
  const options = `{ url: "${url}", secret: "an example secret" }`
  const rooms = await engine.rooms(rule('webhook', 'flag, onError: allow', options))
  const { received } = await converse(rooms, { body }, answerOf(chatStream('one ', 'two'), eventStream))
  assert.doesNotMatch(received.text, /one/)
})

test('whoever leaves in the midst is not judged', async () => {
  const rooms = await engine.rooms(rule('quality', 'flag'))
  const gone = new AbortController()
  async function* chunks(): AsyncGenerator<Uint8Array> {
    const [first, ...rest] = chatStream("I'm sorry, ", 'but I cannot help with that.')
    yield first!
    gone.abort()
    yield* rest
  }
  const { id } = await converse(rooms, { body, signal: gone.signal }, answerOf(chunks(), eventStream))
  assert.equal((await engine.row(id))['findings'], '[]')
})
