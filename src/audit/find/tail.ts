import { setTimeout as sleep } from 'node:timers/promises'
import type { Store } from '../../store/open.ts'
import { conditionOf, type LedgerFilter, type LedgerTable } from './filter.ts'
import { type LedgerRow, presented } from './presented.ts'
import { newest, select } from './selection.ts'
import type { Value } from '../rows.ts'

export type TailOptions = {
  readonly table: LedgerTable
  readonly filter: LedgerFilter
  /** How many of the rows that are there already come first. */
  readonly last: number
  /** Whether to go on with what comes after. */
  readonly follow: boolean
  readonly pollMs: number
  readonly signal: AbortSignal
}

/** Rows of a table in the order they ended. */
export async function* follow(place: Place, options: TailOptions): AsyncGenerator<LedgerRow> {
  const { db } = place
  const watch = watcher(place, options)
  yield* watch.before()
  let seen = -1
  while (options.follow && !options.signal.aborted) {
    // Changes when another connection commits: an idle ledger costs nothing.
    const version = Number(db.pragma('data_version', { simple: true }))
    if (version !== seen) yield* watch.after()
    seen = version
    await sleep(options.pollMs, undefined, { signal: options.signal }).catch(() => {})
  }
}

type Place = { readonly db: Store; readonly dir: string }

function watcher(
  { db, dir }: Place,
  options: TailOptions,
): { before: () => Iterable<LedgerRow>; after: () => Iterable<LedgerRow> } {
  const { table } = options
  const { sql, values } = conditionOf(table, options.filter)
  const ended = table === 'exchanges' ? `state <> 'open'` : 'true'
  const open = table === 'exchanges' ? `state = 'open'` : 'false'
  const newer = db.prepare<[number], Seen>(
    `SELECT seq, ${open} AS open FROM ${table} WHERE seq > ? ORDER BY seq LIMIT ${PAGE}`,
  )
  const closed = db
    .prepare<[string], number>(
      `SELECT seq FROM ${table} WHERE seq IN (SELECT value FROM json_each(?)) AND ${ended} ORDER BY seq`,
    )
    .pluck()
  const fitting = db.prepare<Value[], Record<string, Value>>(`SELECT * FROM ${table} WHERE seq = ? AND (${sql})`)
  const stillOpen = db.prepare<[number], number>(`SELECT seq FROM ${table} WHERE ${open} AND seq <= ?`).pluck()
  // What is open now is shown when it ends.
  let at = Number(db.prepare(`SELECT ifnull(max(seq), 0) FROM ${table}`).pluck().get())
  const pending = new Set(stillOpen.all(at))

  function* shown(seq: number): Iterable<LedgerRow> {
    const row = fitting.get(seq, ...values)
    if (row !== undefined) yield presented(row)
  }

  function* before(): Iterable<LedgerRow> {
    const beforeSeq = at + 1
    const seqs = recent({ db, dir }, options, beforeSeq, pending)
    for (const seq of seqs.toReversed()) yield* shown(seq)
  }

  function* after(): Iterable<LedgerRow> {
    for (const seq of closed.all(JSON.stringify([...pending]))) {
      pending.delete(seq)
      yield* shown(seq)
    }
    for (let page = newer.all(at); page.length > 0; page = newer.all(at)) {
      for (const row of page) {
        at = row.seq
        if (row.open === 0) yield* shown(row.seq)
        else if (pending.size < PENDING) pending.add(row.seq)
      }
    }
  }

  return { before, after }
}

/** The newest that fit and have ended, newest first. */
function recent({ db, dir }: Place, options: TailOptions, beforeSeq: number, pending: ReadonlySet<number>): number[] {
  const { table, filter, last } = options
  if (table !== 'events') {
    const search = { table, filter, beforeSeq }
    // As many as may be left out, more.
    return select({ db, dir }, search, (selected) => newest(selected, last + pending.size))
      .filter((seq) => !pending.has(seq))
      .slice(0, last)
  }
  const { sql, values } = conditionOf(table, filter)
  const wanted = `SELECT seq FROM events WHERE seq < ? AND (${sql}) ORDER BY seq DESC LIMIT ?`
  return db
    .prepare<Value[], number>(wanted)
    .pluck()
    .all(beforeSeq, ...values, last)
}

type Seen = { readonly seq: number; readonly open: number }

const PAGE = 500
const PENDING = 100_000
