import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import Database from 'better-sqlite3'
import { type QueueNotice, WriteQueue } from '../../src/audit/queue.ts'
import type { WriterData } from '../../src/audit/writer.ts'
import { chainSql } from '../support/chained.ts'
import { tempFolder } from '../support/temp.ts'

const insertSql = ['INSERT INTO t (block', { at: 0, text: ', a' }, ') VALUES (?', { at: 0, text: ', ?' }, ')']

function start(bound = 1_000_000): { queue: WriteQueue; path: string; notices: QueueNotice[] } {
  const path = join(tempFolder(), 'a.db')
  const db = new Database(path)
  db.exec(`CREATE TABLE t (block INTEGER, a TEXT NOT NULL UNIQUE); ${chainSql}`)
  db.close()
  const notices: QueueNotice[] = []
  const statements: WriterData['statements'] = [{ width: 1, table: 'events', quick: { sql: insertSql, covers: [0] } }]
  const writer = () => ({ path, pragmas: [], statements, dir: '', sync: false })
  const queue = new WriteQueue({ writer, heapMb: 32, bound, patienceMs: 5_000, notice: (one) => notices.push(one) })
  return { queue, path, notices }
}

function add(queue: WriteQueue, value: string | null, bytes = 10, urgent = true): void {
  queue.begin(0).push(value)
  queue.end(bytes, urgent)
}

function valuesOf(path: string): unknown[] {
  const db = new Database(path, { readonly: true })
  const all = db.prepare('SELECT a FROM t ORDER BY rowid').pluck().all()
  db.close()
  return all
}

test('urgent and patient writes are committed in the order they were made', async () => {
  const { queue, path } = start()
  for (let i = 0; i < 500; i += 1) {
    add(queue, String(i), 10, i % 3 === 0)
    if (i % 50 === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  await queue.close()
  assert.deepEqual(
    valuesOf(path),
    Array.from({ length: 500 }, (_, i) => String(i)),
  )
})

test('a write that nobody waits for is committed soon all the same', async () => {
  const { queue, path } = start()
  add(queue, 'a', 10, false)
  while (queue.stats().rows === 0) await new Promise((resolve) => setTimeout(resolve, 5))
  assert.deepEqual(valuesOf(path), ['a'])
  await queue.close()
})

test('large writes are split over batches, and their bytes are given back', async () => {
  const { queue } = start(100_000_000)
  for (let i = 0; i < 20; i += 1) add(queue, `${i}${'x'.repeat(500_000)}`, 500_000, false)
  assert.equal(queue.stats().queuedBytes, 10_000_000)
  await queue.flush()
  assert.ok(queue.stats().commits > 1)
  assert.equal(queue.stats().queuedBytes, 0)
  await queue.close()
})

test('only the waiter of a refused write is told so', async () => {
  const { queue, notices } = start()
  add(queue, 'a')
  const good = queue.untilCommitted()
  add(queue, 'a')
  const twice = queue.untilCommitted()
  const all = queue.flush()
  await good
  await assert.rejects(twice, /does not take the row/)
  await all
  assert.equal(queue.stats().refused, 1)
  assert.deepEqual(
    notices.map(({ kind }) => kind),
    ['refused'],
  )
  await queue.close()
})

test('far above the bound more is refused, and said', async () => {
  const { queue, notices } = start(100)
  add(queue, 'a', 150)
  assert.ok(queue.pressure() instanceof Promise)
  assert.equal(queue.refusesMore(), false)
  add(queue, 'b', 150)
  assert.equal(queue.overflows(), true)
  assert.equal(queue.refusesMore(), true)
  assert.deepEqual(notices, [{ kind: 'refused', reason: 'the queue of the ledger is full' }])
  await queue.pressure()
  assert.equal(queue.pressure(), undefined)
  await queue.close()
})
