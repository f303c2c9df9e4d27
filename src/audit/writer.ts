import Database from 'better-sqlite3'
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { type Chain, chainOf, type OpenBlock } from '../store/chain.ts'
import { identityOf } from '../store/identity.ts'
import { type RowWriter, rowWriter } from './row-writer.ts'
import type { Value } from './rows.ts'
import type { SealKey, Side } from './bodies/seal.ts'
import { sealRows } from './bodies/seal-rows.ts'
import { notKept, writeSpill } from './bodies/spill-file.ts'
import type { WriteKind, WriteStatement } from './statements.ts'

// The thread that writes the ledger: spill files, then the rows that name them. It knows no SQL and no columns: both are given, so that
// it loads nothing but SQLite. Batches that came while one was being committed share the next transaction.

/** What the thread is started with. `statements` stand at the number of their kind. */
export type WriterData = {
  readonly path: string
  /** The file that must be under `path`; the thread ends when it is another or none. */
  readonly identity?: string
  readonly pragmas: readonly string[]
  readonly statements: readonly WriteStatement[]
  /** The data folder, and whether files in it must survive a loss of power. */
  readonly dir: string
  readonly sync: boolean
  /** Seals what bodies are written, in rows and in files. */
  readonly key?: SealKey | undefined
}

/** Writes in order: kind, its values, kind, its values, … `last` is the number of the last write, counted from 1 over all batches. */
export type Batch = {
  readonly last: number
  readonly count: number
  readonly bytes: number
  readonly values: (Value | WriteKind)[]
  readonly files: readonly FileWrite[]
}

/**
 * Content for the file that `values[spill]` names. Where its SHA-256 goes in the values; or, when the file could not be written, that
 * there is none, and why.
 */
export type FileWrite = {
  readonly side: Side
  readonly content: Uint8Array
  readonly spill: number
  readonly sha256: number
  readonly error: number
}

/** `done`: all up to `last` are committed, but for those in `refused`, which the database will never take. */
export type Report =
  | { kind: 'done'; last: number; commitMs: number; refused: readonly { write: number; reason: string }[] }
  | { kind: 'failing'; reason: string }
  /** The database can be reached. */
  | { kind: 'ready' }

const { path, identity, pragmas, statements, dir, sync, key } = workerData as WriterData
const port = parentPort
if (port === null) throw new Error('writer.ts runs in a thread of its own')

let db: Database.Database
let connected = false
let rows: RowWriter
let chain: Chain
let begin: Database.Statement
let commit: Database.Statement
let rollback: Database.Statement
// For the number of the block, and the values.
const rooms: Value[][] = statements.map(({ width }) => Array.from<Value>({ length: 1 + width }).fill(null))
const sleeper = new Int32Array(new SharedArrayBuffer(4))
const waiting: Batch[] = []
const synced = new Set<string>()
let failures = 0
let probed = 0
let closing = false
/** The file of the log that this connection writes; undefined when there is none. */
let log: string | undefined
let watch: NodeJS.Timeout

port.on('message', (message: Batch | 'close') => {
  take(message)
  // While a failed transaction waits for its next try, batches gather behind it.
  if (failures === 0) work()
})

function start(): void {
  watch = setInterval(look, LOOK_MS)
  try {
    connect()
    report({ kind: 'ready' })
  } catch (thrown) {
    failed(thrown)
  }
}

function take(message: Batch | 'close'): void {
  if (message === 'close') {
    closing = true
    return
  }
  for (const file of message.files) writeFile(file, message.values)
  if (key !== undefined) sealRows(key, statements, message.values)
  waiting.push({ ...message, files: [] })
}

// Before the transaction: a row never names a file that is not there, and nobody else waits for the database meanwhile.
function writeFile({ side, content, ...at }: FileWrite, values: Batch['values']): void {
  try {
    values[at.sha256] = writeSpill({ dir, sync, content, key, synced, name: values[at.spill] as string })
  } catch (cause) {
    const known = values[at.error]
    const reason = notKept(side, cause)
    values[at.spill] = null
    values[at.error] = known === null ? reason : `${known}; ${reason}`
  }
}

function work(): void {
  for (let more = receiveMessageOnPort(port!); more !== undefined; more = receiveMessageOnPort(port!)) {
    take(more.message as Batch | 'close')
  }
  if (waiting.length > 0) {
    const started = performance.now()
    try {
      const refused = transact()
      failures = 0
      const last = waiting.at(-1)!.last
      waiting.length = 0
      report({ kind: 'done', last, commitMs: performance.now() - started, refused })
    } catch (thrown) {
      failed(thrown)
      return
    }
  }
  if (closing) close()
}

// Nothing was written for a while: what happened to the files is noticed all the same.
function look(): void {
  if (failures > 0 || closing) return
  try {
    insistOnFiles()
    if (performance.now() - probed > IDLE_PROBE_MS) probe()
  } catch (thrown) {
    failed(thrown)
  }
}

function transact(): { write: number; reason: string }[] {
  const refused: { write: number; reason: string }[] = []
  beginWhenFree()
  try {
    insistOnLog()
    chain.write(new Date().toISOString(), (block) => {
      for (const batch of waiting) runAll(batch, block, refused)
    })
    commit.run()
    // What was committed to a file that nobody will find again is not told as done: the next thread writes it to the file in its place.
    insistOnFiles()
    if (performance.now() - probed > PROBE_MS) probe()
    return refused
  } catch (thrown) {
    rows.undone()
    if (db.inTransaction) rollback.run()
    throw thrown
  }
}

function runAll(batch: Batch, block: OpenBlock, refused: { write: number; reason: string }[]): void {
  const { values } = batch
  let write = batch.last - batch.count
  for (let at = 0; at < values.length;) {
    const kind = values[at] as WriteKind
    const room = rooms[kind]!
    at += 1
    write += 1
    room[0] = block.n
    for (let i = 1; i < room.length; i += 1) room[i] = wellFormed(values[at + i - 1] as Value)
    at += room.length - 1
    try {
      if (!rows.write(kind, room, block) && kind === DONE) refused.push({ write, reason: 'no such open exchange' })
    } catch (thrown) {
      if (ofTheDatabase(thrown)) throw thrown
      refused.push({ write, reason: thrown instanceof Error ? thrown.message : 'unknown' })
    }
  }
}

// What is bound must be what is read back, or the chain would not fit.
function wellFormed(value: Value): Value {
  return typeof value === 'string' && !value.isWellFormed() ? value.toWellFormed() : value
}

// SQLite's own waiting sleeps a millisecond at least; another writer is done in a fraction of that.
function beginWhenFree(): void {
  const deadline = performance.now() + BUSY_MS
  for (let pause = 0.05; ; pause = Math.min(pause * 1.5, 10)) {
    try {
      begin.run()
      return
    } catch (thrown) {
      if (!codeOf(thrown).startsWith('SQLITE_BUSY') || performance.now() > deadline) throw thrown
      Atomics.wait(sleeper, 0, 0, pause)
    }
  }
}

function failed(thrown: unknown): void {
  failures += 1
  if (thrown instanceof LogRemoved) saveLog()
  report({ kind: 'failing', reason: thrown instanceof Error ? thrown.message : 'unknown' })
  if (closing || thrown instanceof FileReplaced) return close()
  setTimeout(
    () => {
      try {
        if (!connected || !/^SQLITE_(BUSY|FULL)/.test(codeOf(thrown))) connect()
        if (waiting.length === 0) {
          failures = 0
          report({ kind: 'ready' })
        }
        work()
      } catch (again) {
        failed(again)
      }
    },
    Math.min(25 * 2 ** Math.min(failures, 6), RETRY_MS),
  )
}

// Only connections that have it open can still move what is in it to the database.
function saveLog(): void {
  log = undefined
  try {
    db.pragma('wal_checkpoint(TRUNCATE)')
  } catch {
    // What it had is gone; what of it was not yet told as committed is written again.
  }
}

function connect(): void {
  connected = false
  db?.close()
  insistOnFile()
  // Another process that opens the database at this moment may hold it for an instant.
  db = new Database(path, { timeout: BUSY_MS, fileMustExist: true })
  for (const pragma of pragmas) db.pragma(pragma)
  rows = rowWriter(db, statements)
  chain = chainOf(db)
  begin = db.prepare('BEGIN IMMEDIATE')
  commit = db.prepare('COMMIT')
  rollback = db.prepare('ROLLBACK')
  db.pragma('busy_timeout = 0')
  probe()
  log = identityOf(`${path}-wal`)
  connected = true
}

function insistOnFiles(): void {
  insistOnFile()
  insistOnLog()
}

function insistOnFile(): void {
  if (identity !== undefined && identityOf(path) !== identity) throw new FileReplaced()
}

// Who opens the database next gets a new log, and sees nothing of this one. Nothing may be written to this one any more.
function insistOnLog(): void {
  if (log !== undefined && identityOf(`${path}-wal`) !== log) throw new LogRemoved()
}

// Our connection works from its cache and goes on for long when the file is spoiled; a new one reads the
// first page of every table from the file.
function probe(): void {
  const fresh = new Database(path, { timeout: BUSY_MS, readonly: true, fileMustExist: true })
  try {
    const tables = fresh.prepare<[], string>(`SELECT name FROM sqlite_schema WHERE type = 'table'`).pluck().all()
    for (const name of tables) fresh.prepare(`SELECT 1 FROM "${name}" NOT INDEXED LIMIT 1`).get()
    probed = performance.now()
  } finally {
    fresh.close()
  }
}

function close(): void {
  clearInterval(watch)
  db?.close()
  port!.close()
}

function report(what: Report): void {
  port!.postMessage(what)
}

// A row that breaks a constraint or cannot be bound is at fault itself; everything else is the database's trouble and will be tried again.
function ofTheDatabase(thrown: unknown): boolean {
  return (
    thrown instanceof Database.SqliteError && !/^SQLITE_(CONSTRAINT|MISMATCH|TOOBIG|RANGE|ERROR$)/.test(thrown.code)
  )
}

function codeOf(thrown: unknown): string {
  return thrown instanceof Database.SqliteError ? thrown.code : ''
}

class FileReplaced extends Error {
  constructor() {
    super(`${path} was removed or replaced`)
  }
}

class LogRemoved extends Error {
  constructor() {
    super(`${path}-wal was removed or replaced`)
  }
}

const DONE: WriteKind = 1
const BUSY_MS = 1_000
const RETRY_MS = 1_000
const PROBE_MS = 1_000
const LOOK_MS = 500
const IDLE_PROBE_MS = 3_000

// Last, for it uses all that stands above.
start()
