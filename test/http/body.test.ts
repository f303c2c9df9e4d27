import assert from 'node:assert/strict'
import { PassThrough, Readable } from 'node:stream'
import { test } from 'node:test'
import type { Body } from '../../src/core/http.ts'
import { AnswerBody } from '../../src/upstream/answer-body.ts'
import { budgetOf } from '../support/budget.ts'
import { bytesAtHand, bytesBody, collect, drained, madeBody, pump, streamBody } from '../../src/http/body.ts'

const all = async (body: AsyncIterable<Uint8Array>): Promise<string> =>
  Buffer.concat(await Array.fromAsync(body)).toString()

test('a body within the limit is collected whole, however it comes', async () => {
  const made = madeBody(
    (async function* () {
      yield Buffer.from('ab')
      yield Buffer.from('c')
    })(),
    undefined,
  )
  for (const body of [
    bytesBody(Buffer.from('abc')),
    streamBody(Readable.from([Buffer.from('a'), Buffer.from('bc')]), undefined),
    made,
  ]) {
    const collected = await collect(body, 3)
    assert.equal(collected.kind === 'whole' && collected.bytes.toString(), 'abc')
  }
})

test('a body over the limit gives everything from its beginning', async () => {
  const made = madeBody(
    (async function* () {
      yield Buffer.from('ab')
      yield Buffer.from('cd')
      yield Buffer.from('e')
    })(),
    undefined,
  )
  for (const body of [
    streamBody(Readable.from([Buffer.from('ab'), Buffer.from('cd'), Buffer.from('e')]), undefined),
    made,
  ]) {
    const collected = await collect(body, 3)
    assert.equal(collected.kind === 'over' && (await all(collected.rest)), 'abcde')
  }
})

test('a declared length over the limit is known before a byte is read', async () => {
  const stream = new PassThrough()
  const body = streamBody(stream, 10)
  const collected = await collect(body, 3)
  assert.equal(collected.kind === 'over' && collected.rest, body)
})

test('bytes at hand are over the limit, too', async () => {
  const collected = await collect(bytesBody(Buffer.from('abcd')), 3)
  assert.ok(collected.kind === 'over')
  assert.equal((await Array.fromAsync(collected.rest)).join(''), 'abcd')
})

test('collecting rejects when the stream breaks off or has broken off', async () => {
  const broken = new PassThrough()
  const waiting = collect(streamBody(broken, undefined), 10)
  broken.write('a')
  broken.destroy()
  await assert.rejects(waiting)
  await assert.rejects(collect(streamBody(broken, undefined), 10))
})

test('what a body was made from is known', () => {
  const bytes = Buffer.from('x')
  const stream = new PassThrough()
  assert.equal(bytesAtHand(bytesBody(bytes)), bytes)
  assert.equal(bytesAtHand(streamBody(stream, 1)), undefined)
})

test('pumping waits for a slow receiver and rejects when it goes away', async () => {
  const slow = new PassThrough({ highWaterMark: 4 })
  const pumped = pump(bytesBody(Buffer.alloc(64)), slow)
  slow.resume()
  await pumped
  const gone = new PassThrough({ highWaterMark: 1 })
  gone.write('xx')
  const waiting = drained(gone)
  gone.destroy()
  await assert.rejects(waiting)
  await assert.rejects(drained(gone))
})

const here = new AbortController().signal

test('what is collected is counted twice, for its bytes and their text, however it comes', async () => {
  const budget = budgetOf(100)
  for (const body of bodiesOf('abc', 'de')) {
    const lease = budget.lease(here)
    const collected = await collect(body, 10, lease)
    assert.equal(collected.kind === 'whole' && collected.bytes.toString(), 'abcde')
    assert.equal(budget.used, 10)
    lease.end()
  }
  assert.equal(budget.used, 0)
})

test('a body that finds no room waits on disk for its turn and comes back whole, wherever the room ended', async () => {
  for (let room = 0; room <= 12; room += 1) {
    for (const body of bodiesOf('abc', 'd', 'ef')) {
      const budget = budgetOf(12)
      const other = budget.lease(here)
      other.take(12 - room)
      const lease = budget.lease(here)
      const collecting = collect(body, 10, lease)
      if (room < 12) {
        while (budget.waiting === 0) await new Promise(setImmediate)
        assert.equal(lease.held, 0)
      }
      other.end()
      const collected = await collecting
      assert.equal(collected.kind === 'whole' && collected.bytes.toString(), 'abcdef')
      assert.equal(budget.used, 12)
      lease.end()
    }
  }
})

test('a body that breaks off on its way to disk rejects, and gives back what it took', async () => {
  const budget = budgetOf(4)
  const lease = budget.lease(here)
  const stream = new PassThrough()
  const collecting = collect(streamBody(stream, undefined), 10, lease)
  stream.write('abc')
  await new Promise(setImmediate)
  stream.destroy(new Error('gone'))
  await assert.rejects(collecting, /gone/)
  lease.end()
  assert.equal(budget.used, 0)
})

test('trailers are there after a detour over the disk', async () => {
  const stream = Readable.from([Buffer.from('abcdef'), Buffer.from('gh')])
  const lease = budgetOf(4).lease(here)
  const body = streamBody(stream, undefined, () => ['x', 'y'])
  const collected = await collect(body, 7, lease)
  assert.ok(collected.kind === 'over')
  assert.equal(await all(collected.rest), 'abcdefgh')
  assert.deepEqual(collected.rest.trailers(), ['x', 'y'])
  lease.end()
})

/** The same body in each of the ways that it can come. */
function bodiesOf(...chunks: string[]): Body[] {
  const buffers = chunks.map((chunk) => Buffer.from(chunk))
  return [
    bytesBody(Buffer.concat(buffers)),
    streamBody(Readable.from(buffers), undefined),
    madeBody(
      (async function* () {
        yield* buffers
      })(),
      undefined,
    ),
    answerOf(buffers),
  ]
}

function answerOf(buffers: readonly Buffer[]): Body {
  const body = new AnswerBody(undefined, { pause: noop, resume: noop, abandon: noop })
  const [first, ...rest] = buffers
  if (first !== undefined) body.push(first)
  setImmediate(() => {
    for (const chunk of rest) body.push(chunk)
    body.end([])
  })
  return body
}

const noop = (): void => undefined
