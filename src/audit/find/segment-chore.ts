import { nextTurn } from '../../lib/async.ts'
import { withDerived } from '../../store/derived.ts'
import type { Store } from '../../store/open.ts'
import { type Cursor, cursorOf, setCursor, startOf } from './chain-cursor.ts'
import type { Chore, ChoreContext } from '../keeper/chores.ts'
import { type BulkTable, type Ended, endedAfter, entriesAfter, firstBlock } from './ended.ts'
import { SEGMENT_ROWS, segmentsOf } from './segment.ts'
import {
  columnsFile,
  dropSegment,
  storedSegments,
  type StoredSegment,
  storeSegment,
  strikeRows,
} from './segment-store.ts'

/** Of a segment, in rows; and in entries of the chain how far the columns may be behind, and how many are taken at once. */
export type SegmentSizes = { readonly rows: number; readonly behind: number; readonly step: number }

/**
 * Keeps the columns of `find` and `stats` close behind the chain: what has come since is little, and readers look at it row by row. The
 * ledger is only read.
 */
export function segmentChore({ settings, db }: Pick<ChoreContext, 'settings' | 'db'>, sizes = SIZES): Chore {
  const { dir } = settings
  return {
    name: 'columns',
    everyMs: 2_000,
    run: (signal) =>
      withDerived(dir, columnsFile, async (columns) => {
        while (!signal.aborted && step(db, columns, sizes)) await nextTurn()
      }),
  }
}

/** Whether there may be more to do. */
function step(ledger: Store, columns: Store, sizes: SegmentSizes): boolean {
  const known = cursorOf(columns, ledger)
  const cursor = known ?? startOf(ledger)
  if (known === undefined) columns.transaction(() => startAnew(columns, cursor)).immediate()
  columns.transaction(() => dropRemoved(ledger, columns)).immediate()
  if (entriesAfter(ledger, cursor.block) < sizes.behind) return false
  const ended = endedAfter(ledger, cursor.block, sizes.step)
  if (ended === undefined) return false
  columns.transaction(() => append({ ledger, columns, rows: sizes.rows }, cursor, ended)).immediate()
  return true
}

function startAnew(columns: Store, cursor: Cursor): void {
  columns.exec('DELETE FROM segments; DELETE FROM columns')
  setCursor(columns, cursor)
}

/** Segments of which no row is left. */
function dropRemoved(ledger: Store, columns: Store): void {
  const first = firstBlock(ledger)
  for (const table of ['exchanges', 'connections'] as const) {
    for (const { id, range } of storedSegments(columns, table)) if (range.maxBlock < first) dropSegment(columns, id)
  }
}

type Append = { readonly ledger: Store; readonly columns: Store; readonly rows: number }

function append(to: Append, cursor: Cursor, ended: Ended): void {
  for (const table of ['exchanges', 'connections'] as const) appendTo(to, table, ended[table])
  setCursor(to.columns, { ...cursor, block: ended.through, link: ended.link })
}

function appendTo({ ledger, columns, rows }: Append, table: BulkTable, seqs: readonly number[]): void {
  if (seqs.length === 0) return
  const stored = storedSegments(columns, table)
  const again = new Set(seqs)
  for (const segment of stored) strike(columns, segment, again)
  // The last one is made anew with the new rows in it until it is full.
  const [last] = stored
  const unfinished = last !== undefined && last.rows < rows ? last : undefined
  const kept = unfinished === undefined ? [] : [...unfinished.numbers('seq')].filter((seq) => !again.has(seq))
  if (unfinished !== undefined) dropSegment(columns, unfinished.id)
  for (const segment of segmentsOf(ledger, table, [...kept, ...seqs], rows)) storeSegment(columns, segment)
}

function strike(columns: Store, segment: StoredSegment, again: ReadonlySet<number>): void {
  const { minSeq, maxSeq } = segment.range
  if (![...again].some((seq) => seq >= minSeq && seq <= maxSeq)) return
  const indexes = [...segment.numbers('seq')].flatMap((seq, index) => (again.has(seq) ? [index] : []))
  if (indexes.length > 0) strikeRows(columns, segment, indexes)
}

/** A step takes some ten milliseconds of the keeper's thread. */
const SIZES: SegmentSizes = { rows: SEGMENT_ROWS, behind: 4_096, step: 8_192 }
