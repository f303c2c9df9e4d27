import assert from 'node:assert/strict'
import { PassThrough, Readable } from 'node:stream'
import { test } from 'node:test'
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
