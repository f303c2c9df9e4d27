import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SallyportError } from '../../src/core/errors.ts'
import { textReader } from '../../src/engine/text-reader.ts'
import { factsOf, startTrace } from '../../src/engine/trace.ts'
import { flush, watcher } from '../../src/engine/watcher.ts'
import type { Rooms } from '../../src/engine/exchange.ts'
import { client, startEngine, wordRule } from '../support/engine.ts'
import type { Asked } from '../support/engine.ts'

const engine = startEngine()

function watching(rooms: Rooms, asked: Asked = {}, contentType = 'text/plain') {
  const trace = startTrace(rooms, client(asked).exchange)
  const bindings = trace.policy.bindingsFor(factsOf(trace), 'response')
  return { trace, watch: watcher(rooms, trace, textReader(), bindings, contentType) }
}

test('what is released goes to the wire as it was decided and to the store with every value masked', async () => {
  const { trace, watch } = watching(await engine.rooms(wordRule('flag')))
  const wire: string[] = []
  for (const piece of ['one blue', 'bird. ', 'Two. '])
    for (const event of watch.read(Buffer.from(piece)))
      wire.push(String((await watch.keep(watch.inspector.push(event))) ?? ''))
  wire.push(String((await watch.keep(flush(watch))) ?? ''))
  await watch.finish()
  assert.equal(wire.join(''), 'one bluebird. Two. ')
  assert.match(trace.responseContent.inline ?? '', /one \[REDACTED:KEYWORD:project\]\. Two\. /)
  assert.deepEqual([trace.decision, trace.findings.length], ['flag', 1])
})

test('where bodies are kept as they were, so are streams', async () => {
  const rooms = await engine.rooms(wordRule('redact', 'response'), { store: 'full' })
  const { trace, watch } = watching(rooms)
  for (const piece of ['one blue', 'bird. ']) await watch.keep(watch.inspector.pushAll(watch.read(Buffer.from(piece))))
  await watch.keep(flush(watch))
  await watch.finish()
  assert.deepEqual([trace.responseContent.inline, trace.decision], ['one bluebird. ', 'redact'])
})

test('a single release is given as the bytes it came in, nothing as undefined', async () => {
  const { watch } = watching(await engine.rooms())
  const chunk = Buffer.from('as it came')
  const [event] = watch.read(chunk)
  assert.ok(event)
  assert.equal(await watch.keep(watch.inspector.push(event)), event.bytes)
  assert.equal(await watch.keep([]), undefined)
})

test('finishing twice records once', async () => {
  const { trace, watch } = watching(await engine.rooms(wordRule('flag')))
  for (const event of watch.read(Buffer.from('bluebird'))) await watch.keep(watch.inspector.push(event))
  await watch.keep(flush(watch))
  await watch.finish()
  await watch.finish()
  assert.equal(trace.findings.length, 1)
  assert.equal(trace.hooks.length, 1)
})

test('nothing is kept where nothing may be', async () => {
  const { trace, watch } = watching(await engine.rooms('', { store: 'none' }))
  for (const event of watch.read(Buffer.from('text'))) await watch.keep(watch.inspector.push(event))
  await watch.finish()
  assert.deepEqual([trace.responseContent.inline, trace.responseContent.spill], [null, null])
})

test('bytes and time are added up', async () => {
  const { trace, watch } = watching(await engine.rooms())
  for (const bytes of [3, 4]) watch.count(bytes)
  for (const ms of [0.5, 0.25]) watch.spent(ms)
  await watch.finish()
  assert.deepEqual([trace.responseBytes, trace.addedMs], [7, 0.75])
})

test("a stream is stopped with the dialect's event, which names the exchange", async () => {
  const rooms = await engine.rooms()
  const error = new SallyportError('sallyport_blocked', 'blocked by the policy rule "r"')
  const cases: [Asked, RegExp][] = [
    [{}, /^data: \{"error":/],
    [{ host: 'api.anthropic.com', path: '/v1/messages' }, /^event: error\ndata: \{"type":"error"/],
  ]
  for (const [asked, shape] of cases) {
    const { trace, watch } = watching(rooms, asked, 'text/event-stream')
    const event = Buffer.from(watch.refusal(error)).toString()
    assert.match(event, shape)
    assert.match(event, /\n\n$/)
    assert.ok(event.includes(`(exchange ${trace.exchange.id})`))
    await watch.finish()
  }
})
