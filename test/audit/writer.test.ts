import assert from 'node:assert/strict'
import { once } from 'node:events'
import { hash, randomBytes } from 'node:crypto'
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { zstdDecompressSync } from 'node:zlib'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import Database from 'better-sqlite3'
import type { Batch, Report, WriterData } from '../../src/audit/writer.ts'
import { dirname, join } from 'node:path'
import { chainSql } from '../support/chained.ts'
import { tempFolder } from '../support/temp.ts'

const file = new URL('../../src/audit/writer.ts', import.meta.url)

const insertSql = ['INSERT INTO t (block', { at: 0, text: ', a' }, ') VALUES (?', { at: 0, text: ', ?' }, ')']

function start(path: string): Worker {
  const workerData: WriterData = {
    path,
    pragmas: ['journal_mode = WAL'],
    statements: [
      { width: 1, table: 'events', quick: { sql: insertSql, covers: [0] } },
      {
        width: 2,
        table: 'events',
        quick: { sql: [], merges: [] },
        slow: 'UPDATE t SET block = ?, a = ? WHERE a = ? RETURNING rowid, a',
      },
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
  db.exec(`CREATE TABLE t (block INTEGER, a TEXT NOT NULL UNIQUE); ${chainSql}`)
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
  db.exec(`CREATE TABLE t (block INTEGER, a TEXT NOT NULL UNIQUE); ${chainSql}`)
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

const withFiles: WriterData['statements'] = [
  {
    width: 3,
    table: 'events',
    quick: {
      sql: [
        'INSERT INTO f (block',
        ...['name', 'sum', 'error'].map((name, at) => ({ at, text: `, ${name}` })),
        ') VALUES (?',
        ...[0, 1, 2].map((at) => ({ at, text: ', ?' })),
        ') ON CONFLICT DO NOTHING',
      ],
      covers: [0, 1, 2],
    },
  },
]

/** Writes whose values are a name, a sum and an error, each with its file. */
function fileBatch(files: readonly { name: string; content: Buffer; error?: string }[]): Batch {
  return {
    last: files.length,
    count: files.length,
    bytes: 0,
    values: files.flatMap(({ name, error }) => [0, name, null, error ?? null]),
    files: files.map(({ content }, i) => ({
      side: 'response',
      content,
      spill: 4 * i + 1,
      sha256: 4 * i + 2,
      error: 4 * i + 3,
    })),
  }
}

async function runWithFiles(path: string, ...batches: readonly Batch[]): Promise<unknown[]> {
  const workerData: WriterData = { path, pragmas: [], statements: withFiles, dir: dirname(path), sync: false }
  const worker = new Worker(file, { workerData, execArgv: [] })
  for (const batch of batches) worker.postMessage(batch)
  worker.postMessage('close')
  await once(worker, 'exit')
  const db = new Database(path, { readonly: true })
  const rows = db.prepare('SELECT name, sum, error FROM f').raw().all()
  db.close()
  return rows
}

function tableOfFiles(): string {
  const path = join(tempFolder(), 'a.db')
  const db = new Database(path)
  db.exec(`CREATE TABLE f (block INTEGER, name TEXT UNIQUE, sum TEXT, error TEXT); ${chainSql}`)
  db.close()
  return path
}

test('a file is written before its row, which gets its sum, or the reason why there is none', async () => {
  const path = tableOfFiles()
  const content = randomBytes(100_000)
  mkdirSync(join(dirname(path), 'taken', 'in the way'), { recursive: true })
  const batch = fileBatch([
    { name: 'new/a', content },
    { name: 'taken', content, error: 'before' },
    { name: 'b', content: Buffer.alloc(0) },
  ])
  assert.deepEqual(await runWithFiles(path, batch), [
    ['new/a', hash('sha256', content, 'hex'), null],
    [null, null, 'before; response body not kept: EISDIR'],
    ['b', hash('sha256', '', 'hex'), null],
  ])
  assert.ok(zstdDecompressSync(readFileSync(join(dirname(path), 'new/a'))).equals(content))
})

test('a batch that comes again, to the same thread or to the next, changes neither row nor file', async () => {
  const path = tableOfFiles()
  const content = randomBytes(100_000)
  const batch = fileBatch([{ name: 'new/a', content }])
  const want = [['new/a', hash('sha256', content, 'hex'), null]]
  assert.deepEqual(await runWithFiles(path, batch, batch), want)
  writeFileSync(join(dirname(path), 'new/a.tmp'), 'left by a thread that died')
  assert.deepEqual(await runWithFiles(path, batch), want)
  assert.ok(zstdDecompressSync(readFileSync(join(dirname(path), 'new/a'))).equals(content))
  assert.deepEqual(readdirSync(join(dirname(path), 'new')), ['a'])
})
