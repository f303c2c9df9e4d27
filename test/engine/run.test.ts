import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SallyportError } from '../../src/core/errors.ts'
import { headerOf } from '../../src/core/http.ts'
import { refuse, run } from '../../src/engine/run.ts'
import { chatRequest, client, converse, ok, startEngine, wordRule } from '../support/engine.ts'

const engine = startEngine()
const body = chatRequest('hi')

const failures: [string, unknown, number, string][] = [
  [
    'an origin that cannot be reached',
    new SallyportError('upstream_unreachable', 'no route'),
    502,
    'upstream_unreachable',
  ],
  ['an origin that takes too long', new SallyportError('upstream_timeout', 'too long'), 504, 'upstream_timeout'],
  ['a fault of ours', new TypeError('secret detail'), 500, 'internal_error'],
]

for (const [name, thrown, status, code] of failures) {
  test(`${name} is answered and recorded`, async () => {
    const rooms = await engine.rooms()
    const { received, id } = await converse(rooms, { body }, () => Promise.reject(thrown as Error))
    assert.equal(received.status, status)
    assert.equal(headerOf(received.headers, 'sallyport-error'), code)
    assert.doesNotMatch(received.text, /secret detail/)
    const row = await engine.row(id)
    assert.deepEqual([row['state'], row['decision'], row['error'], row['status']], ['done', 'error', code, status])
    const counted = (await rooms.metrics.registry.metrics()).includes(
      `sallyport_upstream_errors_total{code="${code}"} 1`,
    )
    assert.equal(counted, code.startsWith('upstream_'))
  })
}

test('a request that breaks off is answered by nobody and recorded as aborted', async () => {
  const rooms = await engine.rooms()
  const gone = new AbortController()
  const { exchange, received } = client({ signal: gone.signal, body })
  await run(rooms, exchange, async () => {
    gone.abort()
    throw new SallyportError('upstream_closed', 'aborted')
  })
  assert.equal(received(), undefined)
  assert.partialDeepStrictEqual(await engine.row(exchange.id), { state: 'aborted', error: 'client_aborted' })
})

test('it never rejects, whatever the way back to the client does', async () => {
  const rooms = await engine.rooms()
  const { exchange } = client({ body })
  await run(rooms, { ...exchange, reply: () => Promise.reject(new Error('socket gone')) }, async () => ok())
  assert.partialDeepStrictEqual(await engine.row(exchange.id), { state: 'aborted', error: 'internal_error' })
  assert.match(await rooms.metrics.registry.metrics(), /sallyport_exchanges_active\{door="proxy"\} 0\n/)
})

test('what a door refuses is answered and recorded, and nothing of the body is read', async () => {
  const rooms = await engine.rooms(wordRule('block'))
  const unread = {
    length: undefined,
    trailers: () => [],
    [Symbol.asyncIterator]: () => assert.fail('the body was read'),
  }
  const { exchange, received } = client({ body: unread })
  await refuse(rooms, exchange, new SallyportError('misdirected_request', 'another host'))
  assert.equal(received()?.status, 421)
  const row = await engine.row(exchange.id)
  assert.deepEqual([row['decision'], row['error'], row['state']], ['error', 'misdirected_request', 'done'])
})

test('answers carry marks where they are asked for', async () => {
  for (const markers of [true, false]) {
    const { received, id } = await converse(await engine.rooms(wordRule('flag'), { markers }), {
      body: chatRequest('bluebird'),
    })
    assert.equal(headerOf(received.headers, 'sallyport-exchange'), markers ? id : undefined)
    assert.equal(headerOf(received.headers, 'sallyport-decision'), markers ? 'flag' : undefined)
  }
})

test('a row waits for the program behind it when the answer has been sent, and begins without; nobody waits with it', async () => {
  const rooms = await engine.rooms()
  const looking = Promise.withResolvers<void>()
  let name: string | null = null
  const asker = { program: () => name, settled: () => (name === null ? looking.promise : undefined) }
  const { exchange, received } = client({ body })
  const done = run(rooms, { ...exchange, asker }, async () => {
    const row = await engine.row(exchange.id)
    assert.deepEqual([row['state'], row['process']], ['open', null])
    return ok()
  })
  await done
  assert.ok(received() !== undefined)
  assert.equal((await engine.row(exchange.id))['state'], 'open')
  name = '/usr/bin/curl'
  looking.resolve()
  await new Promise(setImmediate)
  const row = await engine.row(exchange.id)
  assert.deepEqual([row['state'], row['process']], ['done', '/usr/bin/curl'])
})

test('what is refused says which program asked', async () => {
  const rooms = await engine.rooms()
  const asker = { program: () => '/usr/bin/curl', settled: () => undefined }
  const { exchange } = client({ body })
  await refuse(rooms, { ...exchange, asker }, new SallyportError('misdirected_request', 'another host'))
  assert.equal((await engine.row(exchange.id))['process'], '/usr/bin/curl')
})
