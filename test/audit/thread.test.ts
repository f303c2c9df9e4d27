import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import Database from 'better-sqlite3'
import { WriterThread } from '../../src/audit/thread.ts'
import type { WriterData } from '../../src/audit/writer.ts'
import { chainSql } from '../support/chained.ts'
import { tempFolder } from '../support/temp.ts'

function table(): string {
  const path = join(tempFolder(), 'a.db')
  const db = new Database(path)
  db.exec(`CREATE TABLE t (block INTEGER, a TEXT NOT NULL); ${chainSql}`)
  db.close()
  return path
}

function count(path: string): unknown {
  const db = new Database(path, { readonly: true })
  const n = db.prepare('SELECT count(*) FROM t').pluck().get()
  db.close()
  return n
}

const insertSql = ['INSERT INTO t (block', { at: 0, text: ', a' }, ') VALUES (?', { at: 0, text: ', ?' }, ')']
const statements: WriterData['statements'] = [{ width: 1, table: 'events', quick: { sql: insertSql, covers: [0] } }]

test('a batch is in flight until its commit is reported, with the bytes it frees', async () => {
  const path = table()
  const reported = Promise.withResolvers<number>()
  const thread = new WriterThread(
    () => ({ path, pragmas: [], statements, dir: '', sync: false }),
    32,
    (report, freed) => {
      if (report.kind === 'done') reported.resolve(freed)
    },
  )
  thread.post({ last: 1, count: 1, bytes: 123, values: [0, 'a'], files: [] })
  assert.equal(thread.inFlight, 1)
  assert.equal(await reported.promise, 123)
  assert.equal(thread.inFlight, 0)
  await thread.close()
  assert.equal(count(path), 1)
})

test('a thread that dies of a batch is replaced, and tells', async () => {
  const path = table()
  const reasons: string[] = []
  const twice = Promise.withResolvers<void>()
  const thread = new WriterThread(
    () => ({ path, pragmas: [], statements, dir: '', sync: false }),
    8,
    (report) => {
      if (report.kind === 'failing' && reasons.push(report.reason) === 2) twice.resolve()
    },
  )
  // More than its memory may hold: it dies, is given the batch again, and dies again.
  thread.post({ last: 1, count: 1, bytes: 0, values: Array.from({ length: 6_000_000 }, (_, i) => i * 1.5), files: [] })
  await twice.promise
  assert.match(reasons[0] ?? '', /the writer stopped/)
  assert.equal(thread.inFlight, 1)
  await thread.close()
})
