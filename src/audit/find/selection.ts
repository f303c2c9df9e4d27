import type { Store } from '../../store/open.ts'
import { cursorOf } from './chain-cursor.ts'
import { type BulkTable, endedAfter, firstBlock } from './ended.ts'
import type { LedgerFilter } from './filter.ts'
import { type Bounds, segmentFilter } from './segment-filter.ts'
import { SEGMENT_ROWS, type Segment, segmentOf, segmentsOf } from './segment.ts'
import { openColumns, storedSegments } from './segment-store.ts'

/** A segment, and which of its rows fit, by their index. */
export type Selected = { readonly segment: Segment; readonly indexes: () => Uint32Array }

/**
 * The rows of a table that fit, newest segments first, as one moment of the ledger has them: those of the keeper's columns, and from the
 * table itself what has come since or has not ended. `use` gets them inside the transaction that they are read in, and again, from the
 * table alone, when the columns turn out to be damaged: it keeps nothing.
 */
export function select<T>(place: Place, search: Search, use: (selected: Iterable<Selected>) => T): T {
  const within = (columns?: Store): T => place.db.transaction(() => use(selectedFrom(place.db, columns, search)))()
  const columns = openColumns(place.dir)
  if (columns === undefined) return within()
  try {
    // The columns' moment is the earlier one: what came between the two is in the chain after their cursor.
    return columns.transaction(() => within(columns))()
  } catch {
    return within()
  } finally {
    columns.close()
  }
}

/** The `seq` of the newest `limit` rows that fit, newest first; with `among`, only of these. */
export function newest(
  selected: Iterable<Selected>,
  limit: number,
  among: (seq: number) => boolean = () => true,
): number[] {
  let found: number[] = []
  let least = -Infinity
  for (const { segment, indexes } of selected) {
    if (segment.range.maxSeq <= least) continue
    const fitting = indexes()
    if (fitting.length === 0) continue
    const seqs = segment.numbers('seq')
    for (const index of fitting) {
      const seq = seqs[index] as number
      if (seq > least && among(seq)) found.push(seq)
    }
    if (found.length < limit) continue
    found = descending(found).slice(0, limit)
    least = found.at(-1) ?? Infinity
  }
  return descending(found)
}

// As typed numbers a million are sorted several times faster.
const descending = (seqs: readonly number[]): number[] => Array.from(Float64Array.from(seqs).sort().toReversed())

type Place = { readonly db: Store; readonly dir: string }
type Search = { readonly table: BulkTable; readonly filter: LedgerFilter; readonly beforeSeq?: number }

function* selectedFrom(db: Store, columns: Store | undefined, search: Search): Generator<Selected> {
  const { table, filter, beforeSeq = Infinity } = search
  const fits = segmentFilter(table, filter)
  const select = (segment: Segment, bounds: Bounds): Selected => ({ segment, indexes: () => fits(segment, bounds) })
  const anyBlock = { firstBlock: 0, except: new Set<number>(), beforeSeq }
  const cursor = columns === undefined ? undefined : cursorOf(columns, db)
  const since = endedAfter(db, cursor?.block ?? 0)?.[table] ?? []
  const open = table === 'exchanges' ? openExchanges(db) : []
  for (const segment of segmentsOf(db, table, since)) yield select(segment, anyBlock)
  for (let at = 0; at < open.length; at += SEGMENT_ROWS) {
    yield select(segmentOf(db, table, open.slice(at, at + SEGMENT_ROWS), true), anyBlock)
  }
  if (columns === undefined || cursor === undefined) return
  const bounds = { firstBlock: firstBlock(db), except: new Set(since), beforeSeq }
  for (const segment of storedSegments(columns, table)) yield select(segment, bounds)
}

/** By `seq`: those that have not ended. */
export function openExchanges(db: Store): number[] {
  return db.prepare<[], number>(`SELECT seq FROM exchanges WHERE state = 'open'`).pluck().all()
}
