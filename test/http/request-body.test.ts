import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import { SallyportError } from '../../src/core/errors.ts'
import { bytesBody, collect, streamBody } from '../../src/http/body.ts'
import { requestBody } from '../../src/http/request-body.ts'

const broken = new SallyportError('malformed_request', 'a bad chunk')
const still = (): number => 0

test('a body is what it was', async () => {
  const body = requestBody(bytesBody(Buffer.from('abc')), 60_000, still)
  assert.equal(body.length, 3)
  assert.deepEqual(await Array.fromAsync(body), [Buffer.from('abc')])
  const collected = await collect(
    requestBody(streamBody(PassThrough.from([Buffer.from('a'), Buffer.from('bc')]), undefined), 60_000, still),
    9,
  )
  assert.equal(collected.kind === 'whole' && collected.bytes.toString(), 'abc')
})

test('a body that breaks off before or while it is collected says why', async () => {
  const early = requestBody(streamBody(new PassThrough(), undefined), 60_000, still)
  assert.equal(early.fail(broken), true)
  await assert.rejects(collect(early, 9), broken)
  await assert.rejects(Array.fromAsync(early), broken)
  const late = requestBody(streamBody(new PassThrough(), undefined), 60_000, still)
  const collected = collect(late, 9)
  assert.equal(late.fail(broken), true)
  await assert.rejects(collected, broken)
})

test('a body that is being passed on is not ours to break off', async () => {
  const passing = requestBody(streamBody(new PassThrough(), undefined), 60_000, still)
  void passing[Symbol.asyncIterator]()
  assert.equal(passing.fail(broken), false)
  const stream = new PassThrough()
  const over = requestBody(streamBody(stream, undefined), 60_000, still)
  stream.write('abcd')
  assert.equal((await collect(over, 3)).kind, 'over')
  assert.equal(over.fail(broken), false)
})

test('collecting ends when nothing comes, and not while something does or all has come', async () => {
  const stalled = requestBody(streamBody(new PassThrough(), undefined), 40, still)
  await assert.rejects(collect(stalled, 9), { code: 'request_timeout' })
  let received = 0
  for (const count of [() => (received += 1), () => undefined]) {
    const stream = new PassThrough()
    const collected = collect(requestBody(streamBody(stream, undefined), 40, count), 9)
    setTimeout(() => stream.end('abc'), 200)
    assert.equal((await collected).kind, 'whole')
  }
})
