import assert from 'node:assert/strict'
import { test } from 'node:test'
import { collect } from '../../src/http/body.ts'
import { AnswerBody } from '../../src/upstream/answer-body.ts'
import { textOf } from '../support/scripted-origin.ts'

function filled(length?: number): { body: AnswerBody; asked: string[] } {
  const asked: string[] = []
  const flow = {
    pause: () => void asked.push('pause'),
    resume: () => void asked.push('resume'),
    abandon: () => void asked.push('abandon'),
  }
  return { body: new AnswerBody(length, flow), asked }
}

const large = Buffer.alloc(40_000, 'x')

test('what came before the reader and what comes after are one body', async () => {
  const { body, asked } = filled(9)
  body.push(Buffer.from('abc'))
  const text = textOf(body)
  await Promise.resolve()
  body.push(Buffer.from('def'))
  body.push(Buffer.from('ghi'))
  body.end(['x-sum', '1'])
  assert.equal(await text, 'abcdefghi')
  assert.deepEqual(body.trailers(), ['x-sum', '1'])
  assert.deepEqual(asked, [])
})

test('more than is read is held back, until it is read', async () => {
  const { body, asked } = filled()
  body.push(large)
  assert.deepEqual(asked, [])
  body.push(large)
  body.push(large)
  assert.deepEqual(asked, ['pause'])
  await body.next()
  assert.deepEqual(asked, ['pause'])
  await body.next()
  await body.next()
  assert.deepEqual(asked, ['pause', 'resume'])
})

test('once it has ended or failed, it asks nothing of the connection any more', async () => {
  for (const finish of [(body: AnswerBody) => body.end([]), (body: AnswerBody) => body.fail(new Error('gone'))]) {
    const { body, asked } = filled()
    for (let i = 0; i < 3; i += 1) body.push(large)
    finish(body)
    for (let i = 0; i < 3; i += 1) await body.next()
    await body.return()
    assert.deepEqual(asked, ['pause'])
  }
})

test('a body that fails gives what came before, then rejects', async () => {
  const { body } = filled()
  body.push(Buffer.from('abc'))
  body.fail(new Error('gone'))
  body.fail(new Error('again'))
  assert.equal((await body.next()).value?.length, 3)
  await assert.rejects(body.next(), /gone/)
  const waiting = filled().body
  const next = waiting.next()
  waiting.fail(new Error('gone'))
  await assert.rejects(next, /gone/)
})

test('a reader that stops abandons the rest, and whoever waits is done', async () => {
  const { body, asked } = filled()
  const waiting = body.next()
  await body.return()
  assert.deepEqual(await waiting, { done: true, value: undefined })
  assert.deepEqual(asked, ['abandon'])
  assert.equal((await body.next()).done, true)
})

test('a body has one reader', async () => {
  const { body } = filled()
  const first = body.next()
  await assert.rejects(body.next(), /one reader/)
  body.end([])
  assert.equal((await first).done, true)
})

test('collecting takes up to the limit without holding back', async () => {
  const { body, asked } = filled()
  body.push(large)
  const collected = collect(body, 200_000)
  for (let i = 0; i < 3; i += 1) body.push(large)
  body.end([])
  const whole = await collected
  assert.equal(whole.kind === 'whole' && whole.bytes.length, 160_000)
  assert.deepEqual(asked, [])
})

test('collecting what is paused lets it go on', async () => {
  const { body, asked } = filled()
  body.push(large)
  body.push(large)
  const collected = collect(body, 200_000)
  assert.deepEqual(asked, ['pause', 'resume'])
  body.end([])
  assert.equal((await collected).kind, 'whole')
})

test('over the limit, the whole body is still there, and is held back', async () => {
  const { body, asked } = filled()
  const collected = collect(body, 50_000)
  body.push(large)
  body.push(large)
  body.push(large)
  const over = await collected
  assert.deepEqual(asked, ['pause'])
  body.end([])
  assert.equal(over.kind === 'over' && (await textOf(over.rest)).length, 120_000)
})

test('collecting ends at once when everything is there, and rejects when the body fails', async () => {
  const ended = filled().body
  ended.push(Buffer.from('abc'))
  ended.end([])
  const whole = await collect(ended, 3)
  assert.equal(whole.kind === 'whole' && whole.bytes.toString(), 'abc')
  const failed = filled().body
  const collected = collect(failed, 3)
  failed.fail(new Error('gone'))
  await assert.rejects(collected, /gone/)
  await assert.rejects(collect(failed, 3), /gone/)
})

test('collecting goes on from what has been read', async () => {
  const { body } = filled()
  body.push(Buffer.from('abc'))
  body.push(Buffer.from('def'))
  await body.next()
  body.end([])
  const whole = await collect(body, 10)
  assert.equal(whole.kind === 'whole' && whole.bytes.toString(), 'def')
})
