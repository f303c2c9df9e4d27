import assert from 'node:assert/strict'
import { once } from 'node:events'
import { copyFileSync } from 'node:fs'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import Database from 'better-sqlite3'
import type { Batch, Report, WriterData } from '../../src/audit/writer.ts'
import { dirname, join } from 'node:path'
import { tempFolder } from '../support/temp.ts'

const file = new URL('../../src/audit/writer.ts', import.meta.url)

function start(path: string): Worker {
  const workerData: WriterData = {
    path,
    pragmas: ['journal_mode = WAL'],
    statements: [
      { sql: 'INSERT INTO t (a) VALUES (?)', width: 1 },
      { sql: 'UPDATE t SET a = ? WHERE a = ?', width: 2 },
    ],
    dir: dirname(path),
    sync: false,
  }
  return new Worker(file, { workerData, execArgv: ['--disable-warning=ExperimentalWarning'] })
}

function table(): string {
  const path = join(tempFolder(), 'a.db')
  const db = new Database(path)
  db.pragma('journal_mode = WAL')
  db.exec('CREATE TABLE t (a TEXT NOT NULL UNIQUE)')
  db.close()
  return path
}

const values = (path: string): unknown[] => {
  const db = new Database(path, { readonly: true })
  const all = db.prepare('SELECT a FROM t ORDER BY rowid').pluck().all()
  db.close()
  return all
}

test('batches are committed in order, and the report names the last write and those that were refused', async () => {
  const path = table()
  const worker = start(path)
  const reports: Report[] = []
  worker.on('message', (report: Report) => reports.push(report))
  const batches: Batch[] = [
    { last: 3, count: 3, bytes: 0, values: [0, 'a', 0, 'a', 0, 'b'], files: [] },
    { last: 5, count: 2, bytes: 0, values: [1, 'c', 'a', 1, 'd', 'nothing'], files: [] },
  ]
  for (const batch of batches) worker.postMessage(batch)
  worker.postMessage('close')
  await once(worker, 'exit')
  assert.deepEqual(values(path), ['c', 'b'])
  const done = reports.flatMap((report) => (report.kind === 'done' ? [report] : []))
  assert.equal(done.at(-1)?.last, 5)
  assert.deepEqual(
    done.flatMap(({ refused }) => refused.map(({ write }) => write)),
    [2, 5],
  )
})

test('a database that comes back is written after all', async () => {
  const path = join(tempFolder(), 'late.db')
  const worker = start(path)
  const failing = Promise.withResolvers<void>()
  const done = Promise.withResolvers<void>()
  worker.on('message', (report: Report) => (report.kind === 'failing' ? failing : done).resolve())
  await failing.promise
  worker.postMessage({ last: 1, count: 1, bytes: 0, values: [0, 'a'], files: [] } satisfies Batch)
  const db = new Database(path)
  db.exec('CREATE TABLE t (a TEXT NOT NULL UNIQUE)')
  db.close()
  await done.promise
  worker.postMessage('close')
  await once(worker, 'exit')
  assert.deepEqual(values(path), ['a'])
})

test('a database that could not be opened at first is told to be ready, also when nothing waits to be written', async () => {
  const path = join(tempFolder(), 'late.db')
  const worker = start(path)
  const next = async () => ((await once(worker, 'message')) as [Report])[0].kind
  assert.equal(await next(), 'failing')
  const made = table()
  copyFileSync(made, path)
  let kind = await next()
  while (kind === 'failing') kind = await next()
  assert.equal(kind, 'ready')
  worker.postMessage('close')
  await once(worker, 'exit')
})
