import assert from 'node:assert/strict'
import { test } from 'node:test'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { collectDecoded } from '../../src/engine/collect-decoded.ts'
import { bytesBody, madeBody } from '../../src/http/body.ts'
import { budgetOf } from '../support/budget.ts'
import { answerOf, chatAnswer, chatRequest, chunksOf, converse, startEngine } from '../support/engine.ts'

const engine = startEngine()

const here = new AbortController().signal
const text = Buffer.from('{"a":"b"}'.repeat(100))

test('bytes, text and what the coding held are counted, each while it is there', async () => {
  const budget = budgetOf()
  const packed = gzipSync(text)
  for (const [body, codings, held] of [
    [text, [], 2 * text.length],
    [packed, ['gzip'], 2 * packed.length + 2 * text.length],
    [Buffer.from('untrue'), ['br'], 12],
  ] as const) {
    const lease = budget.lease(here)
    const collected = await collectDecoded(bytesBody(body), codings, 10_000, lease)
    assert.deepEqual(collected.kind === 'whole' && collected.bytes, body)
    assert.equal(budget.used, held)
    lease.end()
  }
  assert.equal(budget.used, 0)
})

test('content that finds no room waits with its coded bytes on disk, and holds nothing', async () => {
  const bomb = brotliCompressSync(Buffer.alloc(500_000))
  const budget = budgetOf(600_000)
  const other = budget.lease(here)
  other.take(500_000)
  const lease = budget.lease(here)
  const collected = collectDecoded(bytesBody(bomb), ['br'], 1_000_000, lease)
  while (budget.waiting === 0) await new Promise(setImmediate)
  assert.equal(lease.held, 0)
  other.end()
  const { content, bytes } = (await collected) as { content: Buffer; bytes: Buffer }
  assert.deepEqual([content.length, bytes], [500_000, bomb])
  assert.equal(budget.used, 2 * bomb.length + 1_000_000)
  lease.end()
  assert.equal(budget.used, 0)
})

test('many bombs at once are undecodable one after the other', async () => {
  const budget = budgetOf(1_000_000)
  const bomb = gzipSync(Buffer.alloc(5_000_000))
  await Promise.all(
    Array.from({ length: 20 }, async () => {
      const lease = budget.lease(here)
      const collected = await collectDecoded(bytesBody(bomb), ['gzip'], 400_000, lease)
      assert.deepEqual(collected, { kind: 'whole', bytes: bomb, content: undefined })
      lease.end()
    }),
  )
  assert.equal(budget.used, 0)
})

test('a body over the limit gives everything, also from disk, and its room as it leaves', async () => {
  const pieces = Array.from({ length: 50 }, (_, i) => Buffer.alloc(1_000, i))
  for (const room of [1_000_000, 7_000, 1]) {
    const budget = budgetOf(room)
    const lease = budget.lease(here)
    const collected = await collectDecoded(madeBody(chunksOf(pieces), undefined), ['gzip'], 20_000, lease)
    assert.ok(collected.kind === 'over' && lease.passing)
    assert.deepEqual(Buffer.concat(await Array.fromAsync(collected.rest)), Buffer.concat(pieces))
    assert.equal(budget.used, 0)
    lease.end()
  }
})

test('an exchange holds the bytes of its request until the answer begins, and those of the answer until it is sent', async () => {
  const budget = budgetOf()
  const rooms = await engine.rooms('', { budget })
  const asked = chatRequest('hello')
  const used: number[] = []
  async function* pieces(): AsyncGenerator<Uint8Array> {
    used.push(budget.used)
    yield Buffer.from(chatAnswer('yes'))
    await new Promise(setImmediate)
    used.push(budget.used)
  }
  const { received } = await converse(rooms, { body: asked }, async () => {
    used.push(budget.used)
    return answerOf(pieces())
  })
  assert.equal(received.status, 200)
  assert.deepEqual(used, [asked.length, 0, 2 * chatAnswer('yes').length])
  assert.equal(budget.used, 0)
})

test('a blocked, a failed and an unreadable exchange give all back', async () => {
  const budget = budgetOf()
  const rooms = await engine.rooms('', { budget, inspectBytes: 1_000 })
  const body = gzipSync(chatRequest('hello'))
  const headers = ['content-type', 'application/json', 'content-encoding', 'gzip']
  const cases = [
    { body: body.subarray(4), headers },
    { body: madeBody(chunksOf([Buffer.alloc(600), Buffer.alloc(600)]), undefined) },
    { body, headers, leavesAfter: 1 },
  ]
  for (const asked of cases) {
    await converse(rooms, asked, async () => Promise.reject(new Error('down')))
    assert.equal(budget.used, 0)
  }
})
