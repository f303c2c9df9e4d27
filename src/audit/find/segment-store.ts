import { type Derived, openDerivedForReading } from '../../store/derived.ts'
import type { Store } from '../../store/open.ts'
import { cursorSql } from './chain-cursor.ts'
import type { BulkTable } from './ended.ts'
import { packCodes, packNames, packNumbers, unpackCodes, unpackNames, unpackNumbers } from './column-codec.ts'
import { type Segment, segmentColumns, type SegmentRange } from './segment.ts'

/** `dir/index/columns.db`: segments of the ledger up to a block of its chain. */
export const columnsFile: Derived = {
  name: 'columns',
  version: 1,
  sql: `
${cursorSql};
CREATE TABLE segments (
  id INTEGER PRIMARY KEY,
  table_name TEXT NOT NULL,
  row_count INTEGER NOT NULL,
  range TEXT NOT NULL
) STRICT;
CREATE TABLE columns (id INTEGER PRIMARY KEY, data BLOB NOT NULL) STRICT`,
}

export type StoredSegment = Segment & { readonly id: number }

/** The segments of a table, those of the newest rows first. Columns are read when they are asked for. */
export function storedSegments(derived: Store, table: BulkTable): StoredSegment[] {
  const rows = derived
    .prepare<[string], { id: number; row_count: number; range: string }>(
      'SELECT id, row_count, range FROM segments WHERE table_name = ? ORDER BY id DESC',
    )
    .all(table)
  const data = derived.prepare<[number], Uint8Array>('SELECT data FROM columns WHERE id = ?').pluck()
  return rows.map(({ id, row_count, range }) => {
    const column = (place: number): Uint8Array => {
      const found = data.get(id * COLUMNS + place)
      if (found === undefined) throw new Error(`segment ${id} lacks a column`)
      return found
    }
    const { words, numbers } = segmentColumns[table]
    return {
      id,
      table,
      rows: row_count,
      range: JSON.parse(range) as SegmentRange,
      numbers: (name) => unpackNumbers(column(numbers.indexOf(name))),
      words: (name) => {
        const place = numbers.length + 2 * words.indexOf(name)
        return { names: unpackNames(column(place)), codes: unpackCodes(column(place + 1)) }
      },
    }
  })
}

/** Puts a segment into the file, at the end or in the place of the one with that id. */
export function storeSegment(derived: Store, segment: Segment, id?: number): void {
  const place = id ?? Number(derived.prepare('SELECT ifnull(max(id), 0) + 1 FROM segments').pluck().get())
  derived
    .prepare('INSERT OR REPLACE INTO segments (id, table_name, row_count, range) VALUES (?, ?, ?, ?)')
    .run(place, segment.table, segment.rows, JSON.stringify(segment.range))
  const put = derived.prepare('INSERT OR REPLACE INTO columns (id, data) VALUES (?, ?)')
  packed(segment).forEach((data, i) => put.run(place * COLUMNS + i, data))
}

/** Rows of a stored segment that have ended anew since, or are gone, do not count in it any more. */
export function strikeRows(derived: Store, segment: StoredSegment, indexes: readonly number[]): void {
  const blocks = segment.numbers('block')
  for (const index of indexes) blocks[index] = 0
  const place = segmentColumns[segment.table].numbers.indexOf('block')
  derived.prepare('UPDATE columns SET data = ? WHERE id = ?').run(packNumbers(blocks), segment.id * COLUMNS + place)
  const range = JSON.stringify({ ...segment.range, minBlock: 0 })
  derived.prepare('UPDATE segments SET range = ? WHERE id = ?').run(range, segment.id)
}

export function dropSegment(derived: Store, id: number): void {
  derived.prepare('DELETE FROM segments WHERE id = ?').run(id)
  derived.prepare('DELETE FROM columns WHERE id BETWEEN ? AND ?').run(id * COLUMNS, id * COLUMNS + COLUMNS - 1)
}

export const openColumns = (dir: string): Store | undefined => openDerivedForReading(dir, columnsFile)

function packed(segment: Segment): Buffer[] {
  const { words, numbers } = segmentColumns[segment.table]
  return [
    ...numbers.map((name) => packNumbers(segment.numbers(name))),
    ...words.flatMap((name) => {
      const { names, codes } = segment.words(name)
      return [packNames(names), packCodes(codes)]
    }),
  ]
}

/** Room for the numbers of a segment's columns in their ids. */
const COLUMNS = 64
