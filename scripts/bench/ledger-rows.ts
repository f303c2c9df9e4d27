import { rmSync, statSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import Database from 'better-sqlite3'
import { type Recorder, startRecorder } from '../../src/audit/recorder.ts'
import type { ExchangeDone, ExchangeOpen } from '../../src/audit/rows.ts'
import { newExchangeId } from '../../src/core/ids.ts'
import { databasePath, type Durability, openStore, pragmasFor } from '../../src/store/open.ts'
import { doneRow, openRow } from '../../test/support/ledger-rows.ts'
import { tempFolder } from '../../test/support/temp.ts'
import { median, quantile } from './report.ts'

/** How a row comes into being: in one write, or opened and later finished. */
export type Way = 'once' | 'open+done'

export type RowFigures = {
  readonly way: Way
  /** Characters in each of the two bodies. */
  readonly bodies: number
  /** Rows per second. */
  readonly bare: number
  readonly recorder: number
  /** Bytes of the database per row, its indexes and all. */
  readonly bareSize: number
  readonly recorderSize: number
}

/**
 * Rows per second of the recorder beside bare `better-sqlite3`: the same values in the same columns of the same table definition, with the
 * same settings, in transactions of 500 rows, all statements prepared and all values at hand. Interleaved; medians.
 */
export async function measureRows(rows: number, rounds: number): Promise<RowFigures[]> {
  const shapes = [1_000, 0].flatMap((bodies) => (['once', 'open+done'] as const).map((way) => ({ bodies, way })))
  const figures: RowFigures[] = []
  for (const { bodies, way } of shapes) {
    const sample = await sampleOf(bodies)
    const bare: Run[] = []
    const recorder: Run[] = []
    for (let round = 0; round <= rounds; round++) {
      const runs = [await runBare(way, sample, rows), await runRecorder(way, bodies, rows)] as const
      // The first round warms up.
      if (round === 0 && rounds > 1) continue
      bare.push(runs[0])
      recorder.push(runs[1])
    }
    const of = (runs: readonly Run[], value: (run: Run) => number): number => median(runs.map(value))
    figures.push({
      way,
      bodies,
      bare: of(bare, ({ perSecond }) => perSecond),
      recorder: of(recorder, ({ perSecond }) => perSecond),
      bareSize: of(bare, ({ size }) => size),
      recorderSize: of(recorder, ({ size }) => size),
    })
  }
  return figures
}

export type Latency = {
  readonly durability: Durability
  readonly atOnce: number
  readonly p50: number
  readonly p99: number
}

/** Milliseconds from `open` to its row being committed, with so many exchanges at once, each finished after it; interleaved. */
export async function measureLatency(exchanges: number, rounds: number): Promise<Latency[]> {
  const cases = (['relaxed', 'crash', 'power'] as const).flatMap((durability) =>
    [1, 32].map((atOnce) => ({ durability, atOnce, runs: [] as { p50: number; p99: number }[] })),
  )
  for (let round = 0; round <= rounds; round++) {
    for (const { durability, atOnce, runs } of cases) {
      const times = await latencies(durability, atOnce, exchanges)
      if (round > 0 || rounds === 1) runs.push({ p50: quantile(times, 0.5), p99: quantile(times, 0.99) })
    }
  }
  return cases.map(({ runs, ...one }) => ({
    ...one,
    p50: median(runs.map(({ p50 }) => p50)),
    p99: median(runs.map(({ p99 }) => p99)),
  }))
}

type Run = { readonly perSecond: number; readonly size: number }
type Columns = Readonly<Record<string, unknown>>

/** A row as the recorder leaves it: when it is opened, and when it is done. */
type Sample = { readonly opened: Columns; readonly done: Columns }

async function sampleOf(bodies: number): Promise<Sample> {
  const dir = tempFolder('bench')
  const recorder = startRecorder({ dir, durability: 'crash', inlineBytes: 65_536 })
  const [open, done] = exchange(bodies)
  await recorder.open(open)
  const opened = rowIn(dir)
  recorder.done(done)
  await recorder.flush()
  const sample = { opened, done: rowIn(dir) }
  await recorder.close()
  return sample
}

function rowIn(dir: string): Columns {
  const db = new Database(databasePath(dir), { readonly: true })
  try {
    return db.prepare('SELECT * FROM exchanges').get() as Columns
  } finally {
    db.close()
  }
}

async function runBare(way: Way, sample: Sample, rows: number): Promise<Run> {
  const dir = tempFolder('bench')
  const db = openStore({ dir, durability: 'crash' })
  for (const pragma of pragmasFor('crash')) db.pragma(pragma)
  const write = way === 'once' ? inserts(db, sample.done) : pairs(db, sample)
  const ids = Array.from({ length: rows }, () => newExchangeId(Date.now()))
  const started = performance.now()
  for (let at = 0; at < rows; at += PER_TRANSACTION) {
    db.exec('BEGIN IMMEDIATE')
    write(ids.slice(at, at + PER_TRANSACTION))
    db.exec('COMMIT')
  }
  const ms = performance.now() - started
  db.pragma('wal_checkpoint(TRUNCATE)')
  db.close()
  return result(dir, rows, ms)
}

function inserts(db: Database.Database, row: Columns): (ids: readonly string[]) => void {
  const columns = Object.keys(row).filter((name) => name !== 'seq' && name !== 'id')
  const values = columns.map((name) => row[name])
  const insert = db.prepare(
    `INSERT INTO exchanges (${columns.join(', ')}, id) VALUES (${columns.map(() => '?').join(', ')}, ?)`,
  )
  const room = [...values, '']
  return (ids) => {
    for (const id of ids) {
      room[values.length] = id
      insert.run(room)
    }
  }
}

/** First all of a transaction are opened, then all are done: that they lie near is to the good of the bare one. */
function pairs(db: Database.Database, { opened, done }: Sample): (ids: readonly string[]) => void {
  const filled = Object.fromEntries(Object.entries(opened).filter(([, value]) => value !== null))
  const open = inserts(db, filled)
  const changed = Object.keys(done).filter((name) => done[name] !== opened[name])
  const update = db.prepare(`UPDATE exchanges SET ${changed.map((name) => `${name} = ?`).join(', ')} WHERE id = ?`)
  const room = [...changed.map((name) => done[name]), '']
  return (ids) => {
    open(ids)
    for (const id of ids) {
      room[changed.length] = id
      update.run(room)
    }
  }
}

async function runRecorder(way: Way, bodies: number, rows: number): Promise<Run> {
  const dir = tempFolder('bench')
  const recorder = startRecorder({ dir, durability: 'crash', inlineBytes: 65_536 })
  await recorder.flush()
  const exchanges = Array.from({ length: rows }, () => exchange(bodies))
  const started = performance.now()
  if (way === 'once') await recordOnce(recorder, exchanges)
  else await inParallel(256, exchanges, (one) => recordPair(recorder, one))
  await recorder.flush()
  const ms = performance.now() - started
  await recorder.close()
  const db = openStore({ dir, durability: 'crash' })
  db.pragma('wal_checkpoint(TRUNCATE)')
  db.close()
  return result(dir, rows, ms)
}

async function recordOnce(recorder: Recorder, exchanges: readonly Exchange[]): Promise<void> {
  for (const [i, [open, done]] of exchanges.entries()) {
    recorder.once(open, done)
    if (i % 100 !== 99) continue
    await recorder.pressure()
    await setImmediate()
  }
}

async function recordPair(recorder: Recorder, [open, done]: Exchange): Promise<void> {
  await recorder.open(open)
  recorder.done(done)
}

async function latencies(durability: Durability, atOnce: number, exchanges: number): Promise<number[]> {
  const dir = tempFolder('bench')
  const recorder = startRecorder({ dir, durability, inlineBytes: 65_536 })
  await recorder.flush()
  const times: number[] = []
  await inParallel(atOnce, Array.from({ length: exchanges }), async () => {
    const [open, done] = exchange(1_000)
    const started = performance.now()
    await recorder.open(open)
    times.push(performance.now() - started)
    recorder.done(done)
    await setImmediate()
  })
  await recorder.close()
  rmSync(dir, { recursive: true, force: true })
  return times
}

async function inParallel<T>(count: number, items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  let next = 0
  await Promise.all(
    Array.from({ length: Math.min(count, items.length) }, async () => {
      while (next < items.length) await work(items[next++] as T)
    }),
  )
}

function result(dir: string, rows: number, ms: number): Run {
  const { size } = statSync(databasePath(dir))
  rmSync(dir, { recursive: true, force: true })
  return { perSecond: (rows / ms) * 1_000, size: size / rows }
}

type Exchange = readonly [ExchangeOpen, ExchangeDone]

function exchange(bodies: number): Exchange {
  const open = openRow({ requestBody: bodies === 0 ? null : 'q'.repeat(bodies) })
  const done = doneRow(open.id, { requestBody: null, responseBody: bodies === 0 ? null : 'a'.repeat(bodies) })
  return [open, done]
}

const PER_TRANSACTION = 500
