import { openStoreForReading, type Store } from '../store/open.ts'
import { conditionOf, type LedgerFilter, type LedgerTable, ledgerTables } from './filter.ts'
import { type LedgerStats, statsOf } from './ledger-stats.ts'
import { type LedgerRow, presented } from './presented.ts'
import { readSpill } from './read-spill.ts'
import type { Value } from './rows.ts'
import { follow, type TailOptions } from './tail.ts'

/** `incomplete`: there were more spill files to look into than one search may. `rows` reads them one by one, oldest first. */
export type Found = { readonly count: number; readonly incomplete: boolean; readonly rows: () => Iterable<LedgerRow> }

/** `row` has its bodies, also those in files; `missing` names the sides whose file is gone or damaged. */
export type Shown =
  | { readonly kind: 'row'; readonly table: LedgerTable; readonly row: LedgerRow; readonly missing: readonly string[] }
  | { readonly kind: 'none' }
  | { readonly kind: 'several'; readonly ids: readonly string[] }

/** The ledger, for reading. */
export type Ledger = {
  /** The newest `limit` rows that fit; all without one. */
  readonly find: (table: LedgerTable, filter: LedgerFilter, limit?: number) => Found
  /** One row of any table, by its id or the beginning of it. */
  readonly show: (id: string) => Shown
  /** Rows as they come; exchanges when they have ended. Ends when the signal says so. */
  readonly tail: (options: TailOptions) => AsyncGenerator<LedgerRow>
  readonly stats: (filter: Omit<LedgerFilter, 'text'>) => LedgerStats
  readonly close: () => void
}

/** Opens the ledger of a data folder. Throws `ledger_unavailable` when there is none, `ledger_corrupt` when it cannot be read. */
export function openLedger(dir: string): Ledger {
  const db = openStoreForReading({ dir })
  return {
    find: (table, filter, limit) => find(db, dir, { table, filter, limit: limit ?? Infinity }),
    show: (id) => show(db, dir, id),
    tail: (options) => follow(db, options),
    stats: (filter) => statsOf(db, filter),
    close: () => db.close(),
  }
}

type Search = { readonly table: LedgerTable; readonly filter: LedgerFilter; readonly limit: number }

function find(db: Store, dir: string, search: Search): Found {
  const { seqs, incomplete } = pick(db, dir, search)
  const one = db.prepare<[number], Record<string, Value>>(`SELECT * FROM ${search.table} WHERE seq = ?`)
  function* rows(): Iterable<LedgerRow> {
    for (const seq of seqs) {
      const row = one.get(seq)
      if (row !== undefined) yield presented(row)
    }
  }
  return { count: seqs.length, incomplete, rows }
}

function pick(db: Store, dir: string, { table, filter, limit }: Search): { seqs: number[]; incomplete: boolean } {
  const condition = conditionOf(table, filter)
  const looksInside = table === 'exchanges' && filter.text !== undefined
  const columns = looksInside ? `seq, request_spill, response_spill, ${inlineHit}` : 'seq'
  const sql = `SELECT ${columns} FROM ${table} WHERE ${condition.sql} ORDER BY seq DESC`
  const hit = looksInside ? conditionOf(table, { text: filter.text }).values : []
  const picked = db.prepare<Value[], Candidate>(sql).iterate(...hit, ...condition.values)
  const inside = spillSearch(dir, filter.text ?? '')
  const seqs: number[] = []
  for (const candidate of picked) {
    if (seqs.length >= limit) break
    if (!looksInside || candidate.hit === 1 || inside.has(candidate)) seqs.push(candidate.seq)
  }
  return { seqs: seqs.toReversed(), incomplete: inside.exhausted() }
}

type Candidate = {
  readonly seq: number
  readonly request_spill: string | null
  readonly response_spill: string | null
  readonly hit: number
}

function spillSearch(dir: string, text: string): { has: (row: Candidate) => boolean; exhausted: () => boolean } {
  const wanted = text.toLowerCase()
  let budget = SEARCH_BYTES
  const contains = (name: string | null): boolean => {
    if (name === null || budget <= 0) return false
    const content = readSpill(dir, name, SPILL_BYTES)
    budget -= content?.length ?? 0
    return content !== undefined && content.toString('utf8').toLowerCase().includes(wanted)
  }
  return { has: (row) => contains(row.request_spill) || contains(row.response_spill), exhausted: () => budget <= 0 }
}

function show(db: Store, dir: string, id: string): Shown {
  const prefix = id.toLowerCase()
  const found = ledgerTables.flatMap((table) => {
    const sql = `SELECT * FROM ${table} WHERE id >= ? AND id < ? ORDER BY id LIMIT ${SEVERAL}`
    const rows = db.prepare<Value[], Record<string, Value>>(sql).all(prefix, `${prefix}~`)
    return rows.map((row) => ({ table, row }))
  })
  const hit = found.find(({ row }) => row.id === prefix) ?? (found.length === 1 ? found[0] : undefined)
  if (hit === undefined) {
    return found.length === 0 ? { kind: 'none' } : { kind: 'several', ids: found.map(({ row }) => String(row.id)) }
  }
  const { row, missing } = withSpills(dir, hit.row)
  return { kind: 'row', table: hit.table, row: presented(row), missing }
}

function withSpills(dir: string, row: Record<string, Value>): { row: Record<string, Value>; missing: string[] } {
  const whole = { ...row }
  const missing: string[] = []
  for (const side of ['request', 'response']) {
    const name = row[`${side}_spill`]
    if (typeof name !== 'string') continue
    const content = readSpill(dir, name, SPILL_BYTES)
    if (content === undefined) missing.push(side)
    else whole[`${side}_body`] = content.toString('utf8')
  }
  return { row: whole, missing }
}

// Which of the candidates need no file to be opened.
const inlineHit = String.raw`(ifnull(request_body LIKE ? ESCAPE '\', 0) OR ifnull(response_body LIKE ? ESCAPE '\', 0)) AS hit`
const SPILL_BYTES = 256 * 2 ** 20
const SEARCH_BYTES = 512 * 2 ** 20
const SEVERAL = 5
