import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type BatchOptions, deliver, type Part } from '../../../src/audit/export/batch.ts'
import type { Outgoing } from '../../../src/audit/export/reader.ts'
import { BatchRefused, type ExportRow, type Sink, SinkError } from '../../../src/audit/sinks/sink.ts'
import { away, scriptedSink } from '../../support/scripted-sink.ts'

const rowsOf = (count: number): Outgoing[] =>
  Array.from({ length: count }, (_, i) => ({
    out: { table: 'events', row: { id: `r${i}` }, block: i },
    next: { block: i + 1, position: 0, checkpoint: 0 },
  }))

const options = (sink: Sink, over: Partial<BatchOptions> = {}): BatchOptions => ({
  sink,
  stopping: new AbortController().signal,
  cancel: new AbortController().signal,
  sendMs: 10_000,
  attempts: 3,
  backoff: { firstMs: 1, mostMs: 1 },
  random: () => 0,
  ...over,
})

async function parts(rows: Outgoing[], use: BatchOptions): Promise<Part[]> {
  const all: Part[] = []
  for await (const part of deliver(rows, use)) all.push(part)
  return all
}

const ids = (rows: readonly ExportRow[]): unknown[] => rows.map(({ row }) => row.id)

test('a batch that is taken is settled in one part', async () => {
  const sink = scriptedSink()
  const [part, ...more] = await parts(rowsOf(3), options(sink))
  assert.deepEqual([part?.rows.length, part?.dead, more.length], [3, [], 0])
  assert.deepEqual(ids(sink.got), ['r0', 'r1', 'r2'])
})

test('a row that is refused is sent again a few times, then it is a dead letter', async () => {
  const once = scriptedSink(async () => [{ index: 1, reason: 'busy' }])
  assert.deepEqual((await parts(rowsOf(3), options(once)))[0]?.dead, [])
  assert.deepEqual(ids(once.got), ['r0', 'r2', 'r1'])

  const no = async () => [{ index: 0, reason: 'never' }]
  const always = scriptedSink(async () => [{ index: 1, reason: 'never' }], no, no)
  const [part] = await parts(rowsOf(3), options(always))
  assert.deepEqual(part?.dead, [{ table: 'events', row: 'r1', block: 1, reason: 'never', attempts: 3 }])
  assert.deepEqual(always.calls, [3, 1, 1])
})

test('a batch that is refused as a whole is halved until the rows are found, and every other row arrives in order', async () => {
  const cases = fc.record({ count: fc.integer({ min: 1, max: 40 }), bad: fc.uniqueArray(fc.nat(39), { maxLength: 4 }) })
  await fc.assert(
    fc.asyncProperty(cases, async ({ count, bad }) => {
      const poison = new Set(bad.map((i) => `r${i}`))
      const got: unknown[] = []
      const sink: Sink = {
        async send(rows) {
          if (ids(rows).some((id) => poison.has(String(id)))) throw new BatchRefused('no')
          got.push(...ids(rows))
          return []
        },
        close: async () => undefined,
      }
      const rows = rowsOf(count)
      const settled = await parts(rows, options(sink))
      assert.deepEqual(
        settled.flatMap((part) => part.rows),
        rows,
      )
      const dead = settled.flatMap((part) => part.dead.map(({ row }) => row))
      assert.deepEqual(
        dead,
        ids(rows.map(({ out }) => out)).filter((id) => poison.has(String(id))),
      )
      assert.deepEqual(
        got,
        ids(rows.map(({ out }) => out)).filter((id) => !poison.has(String(id))),
      )
    }),
    { numRuns: 50 },
  )
})

test('a receiver that goes away in the middle ends the batch behind what was settled', async () => {
  const sink = scriptedSink(
    () => {
      throw new BatchRefused('too many')
    },
    () => undefined,
    away,
  )
  const settled: number[] = []
  await assert.rejects(async () => {
    for await (const { rows } of deliver(rowsOf(4), options(sink))) settled.push(rows.length)
  }, SinkError)
  assert.deepEqual([settled, ids(sink.got)], [[2], ['r0', 'r1']])
})

test('a delivery is ended by its time limit, and when it is cancelled', async () => {
  const hangs = (_: unknown, signal: AbortSignal): Promise<never> =>
    new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))
  await assert.rejects(parts(rowsOf(1), options(scriptedSink(hangs), { sendMs: 5 })), { name: 'TimeoutError' })
  const cancel = new AbortController()
  setTimeout(() => cancel.abort(), 5)
  await assert.rejects(parts(rowsOf(1), options(scriptedSink(hangs), { cancel: cancel.signal })), {
    name: 'AbortError',
  })
})

test('a stop ends the wait for another try of a refused row, which is then not settled', async () => {
  const stopping = new AbortController()
  const sink = scriptedSink(async () => [{ index: 0, reason: 'no' }])
  setTimeout(() => stopping.abort(), 5)
  const backoff = { firstMs: 60_000, mostMs: 60_000 }
  await assert.rejects(parts(rowsOf(1), options(sink, { stopping: stopping.signal, backoff })), { name: 'AbortError' })
})
