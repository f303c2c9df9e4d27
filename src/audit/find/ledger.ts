import { openStoreForReading, type Store } from '../../store/open.ts'
import { conditionOf, type LedgerFilter, type LedgerTable } from './filter.ts'
import type { StatsKey } from './ledger-groups.ts'
import { type LedgerStats, statsOf } from './ledger-stats.ts'
import { type LedgerRow, presented } from './presented.ts'
import { type ContentReader, contentReader } from '../bodies/read-content.ts'
import type { Value } from '../rows.ts'
import type { SealKey } from '../bodies/seal.ts'
import { newest, select } from './selection.ts'
import { type Shown, showRow } from './show.ts'
import { follow, type TailOptions } from './tail.ts'
import { searchTexts } from './text-search.ts'

/** `rows` reads them one by one, oldest first. */
export type Found = { readonly count: number; readonly rows: () => Iterable<LedgerRow> }

/**
 * `unread`: how many bodies could not be looked into: missing, damaged, too large, or sealed with a key that is not there.
 * `incomplete`: there was more in files to look into than one search may.
 */
export type Searched = Found & { readonly unread: number; readonly incomplete: boolean }

export type Page = {
  /** The newest so many; all without it. */
  readonly limit?: number
  /** The id of a row, which may be gone: only rows that came before it. */
  readonly before?: string
}

/** The ledger, for reading. */
export type Ledger = {
  /** The newest rows that fit. A text in bodies takes `search`. */
  readonly find: (table: LedgerTable, filter: LedgerFilter, limit?: number, before?: string) => Found
  /** The same, also for a text in bodies. */
  readonly search: (table: LedgerTable, filter: LedgerFilter, page: Page) => Promise<Searched>
  /** One row of any table, by its id or the beginning of it, with bodies of at most `maxBytes` each. */
  readonly show: (id: string, maxBytes?: number) => Promise<Shown>
  /** Rows as they come; exchanges when they have ended. Ends when the signal says so. */
  readonly tail: (options: TailOptions) => AsyncGenerator<LedgerRow>
  /** With `by` also in groups. */
  readonly stats: (filter: Omit<LedgerFilter, 'text'>, by?: StatsKey) => LedgerStats
  readonly close: () => void
}

/**
 * Opens the ledger of a data folder; `keys` open sealed bodies. Throws `ledger_unavailable` when there is none, `ledger_corrupt` when it
 * cannot be read.
 */
export function openLedger(dir: string, keys: readonly SealKey[] = []): Ledger {
  const db = openStoreForReading({ dir })
  const place = { db, dir }
  const reader = contentReader({ dir, keys })
  return {
    find: (table, filter, limit, before) => find(place, { table, filter, limit, before }),
    search: (table, filter, page) => search(place, { table, filter, ...page }, reader),
    show: (id, maxBytes = SHOWN_BYTES) => showRow(db, reader, id, maxBytes),
    tail: (options) => follow(place, options),
    stats: (filter, by) => statsOf(place, filter, by),
    close: () => db.close(),
  }
}

type Place = { readonly db: Store; readonly dir: string }
type Search = Page & { readonly table: LedgerTable; readonly filter: LedgerFilter }

function find(place: Place, search: Search): Found {
  if (search.table === 'exchanges' && search.filter.text !== undefined) throw new Error('a text takes `search`')
  const seqs = pick(place, search)
  return { count: seqs.length, rows: () => rowsOf(place.db, search.table, seqs) }
}

async function search(place: Place, wanted: Search, reader: ContentReader): Promise<Searched> {
  const { table, filter, limit = Infinity, before } = wanted
  const { text } = filter
  if (table !== 'exchanges' || text === undefined) return { ...find(place, wanted), unread: 0, incomplete: false }
  const beforeSeq = seqOf(place.db, table, before)
  const { seqs, ...rest } = await searchTexts(place, { filter: { ...filter, text }, limit, beforeSeq, reader })
  const oldestFirst = seqs.toReversed()
  return { count: seqs.length, rows: () => rowsOf(place.db, table, oldestFirst), ...rest }
}

function* rowsOf(db: Store, table: LedgerTable, seqs: readonly number[]): Iterable<LedgerRow> {
  const one = db.prepare<[number], Record<string, Value>>(`SELECT * FROM ${table} WHERE seq = ?`)
  for (const seq of seqs) {
    const row = one.get(seq)
    if (row !== undefined) yield presented(row)
  }
}

/** Oldest first. */
function pick({ db, dir }: Place, { table, filter, limit = Infinity, before }: Search): number[] {
  const beforeSeq = seqOf(db, table, before)
  if (table !== 'events') {
    return select({ db, dir }, { table, filter, beforeSeq }, (selected) => newest(selected, limit)).toReversed()
  }
  const { sql, values } = conditionOf(table, filter)
  const wanted = `SELECT seq FROM ${table} WHERE seq < ? AND ${sql} ORDER BY seq DESC LIMIT ?`
  const most = (number: number): number => Math.min(number, Number.MAX_SAFE_INTEGER)
  return db
    .prepare<Value[], number>(wanted)
    .pluck()
    .all(most(beforeSeq), ...values, most(limit))
    .toReversed()
}

/** The place of a row in its table, or where one with this id would be; after all of them without an id. */
function seqOf(db: Store, table: LedgerTable, id: string | undefined): number {
  if (id === undefined) return Infinity
  const sql = `SELECT seq, id FROM ${table} WHERE id <= ? ORDER BY id DESC LIMIT 1`
  const row = db.prepare<[string], { seq: number; id: string }>(sql).get(id.toLowerCase())
  return row === undefined ? 0 : row.id === id.toLowerCase() ? row.seq : row.seq + 1
}

const SHOWN_BYTES = 16 * 2 ** 20
