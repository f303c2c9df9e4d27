import type { Store } from '../../store/open.ts'
import type { BulkTable } from './ended.ts'
import type { Value } from '../rows.ts'

/**
 * Some thousand rows of a table by column, so that a filter or a sum over a million rows walks through a few megabytes. Words have
 * codes: places in a list of the segment's own, of which the first is null. Numbers that are null are NaN.
 */
export type Segment = {
  readonly table: BulkTable
  readonly rows: number
  readonly range: SegmentRange
  readonly words: (column: string) => Words
  readonly numbers: (column: string) => Float64Array
}

export type Words = { readonly names: readonly (string | null)[]; readonly codes: Uint16Array }

/** `at` in milliseconds since 1970. `minBlock` is 0 when rows in it do not count any more. */
export type SegmentRange = {
  readonly minSeq: number
  readonly maxSeq: number
  readonly minAt: number
  readonly maxAt: number
  readonly minBlock: number
  readonly maxBlock: number
}

/** The columns of each table; `findings` is the JSON of the list of types. Numbers begin with `seq`, `block` and `at`. */
export const segmentColumns: Readonly<Record<BulkTable, { words: readonly string[]; numbers: readonly string[] }>> = {
  exchanges: {
    words: [
      'host',
      'provider',
      'model',
      'principal',
      'decision',
      'state',
      'door',
      'operation',
      'status',
      'rule',
      'findings',
    ],
    numbers: [
      'seq',
      'block',
      'at',
      'duration_ms',
      'first_byte_ms',
      'added_ms',
      'input_tokens',
      'cached_tokens',
      'cache_write_tokens',
      'output_tokens',
      'reasoning_tokens',
      'cost_usd',
    ],
  },
  connections: { words: ['host', 'principal', 'handling'], numbers: ['seq', 'block', 'at'] },
}

/** More rows than this are more than one segment: a code is 16 bits. */
export const SEGMENT_ROWS = 8_192

/** The rows of a table by `seq`, as segments; those that are gone, or still open, are left out. */
export function segmentsOf(db: Store, table: BulkTable, seqs: readonly number[], rows = SEGMENT_ROWS): Segment[] {
  const segments: Segment[] = []
  for (let at = 0; at < seqs.length; at += rows) {
    const segment = segmentOf(db, table, seqs.slice(at, at + rows))
    if (segment.rows > 0) segments.push(segment)
  }
  return segments
}

/** At most SEGMENT_ROWS of them. */
export function segmentOf(db: Store, table: BulkTable, seqs: readonly number[], open = false): Segment {
  const { words, numbers } = segmentColumns[table]
  const state = table === 'exchanges' && !open ? `AND state <> 'open'` : ''
  const rows = db
    .prepare<[string], Value[]>(
      `SELECT ${[...numbers, ...words].join(', ')} FROM ${table} WHERE seq IN (SELECT value FROM json_each(?)) ${state}`,
    )
    .raw()
    .all(JSON.stringify(seqs))
  const columns = new Map(numbers.map((name, i) => [name, numbersAt(rows, i, name === 'at' ? timeOf : numberOf)]))
  const dictionaries = new Map(
    words.map((name, i) => [name, wordsAt(rows, numbers.length + i, name === 'findings' ? typesOf : String)]),
  )
  return {
    table,
    rows: rows.length,
    range: rangeOf(columns),
    words: (name) => dictionaries.get(name)!,
    numbers: (name) => columns.get(name)!,
  }
}

function numbersAt(rows: readonly Value[][], index: number, of: (value: Value) => number): Float64Array {
  return Float64Array.from(rows, (row) => of(row[index] ?? null))
}

function wordsAt(rows: readonly Value[][], index: number, of: (value: Value) => string): Words {
  const places = new Map<string, number>()
  const names: (string | null)[] = [null]
  const codes = Uint16Array.from(rows, (row) => {
    const value = row[index] ?? null
    if (value === null) return 0
    const name = of(value)
    let code = places.get(name)
    if (code === undefined) {
      code = names.push(name) - 1
      places.set(name, code)
    }
    return code
  })
  return { names, codes }
}

function typesOf(findings: Value): string {
  if (findings === '[]') return '[]'
  try {
    const list = JSON.parse(String(findings)) as unknown
    return JSON.stringify(
      Array.isArray(list) ? list.map((item) => (item as { type?: unknown } | null)?.type ?? null) : [],
    )
  } catch {
    return '[]'
  }
}

const timeOf = (value: Value): number => Date.parse(String(value))
const numberOf = (value: Value): number => (value === null ? Number.NaN : Number(value))

function rangeOf(columns: ReadonlyMap<string, Float64Array>): SegmentRange {
  const [seq, at, block] = ['seq', 'at', 'block'].map((name) => endsOf(columns.get(name)!)) as [Ends, Ends, Ends]
  return { minSeq: seq[0], maxSeq: seq[1], minAt: at[0], maxAt: at[1], minBlock: block[0], maxBlock: block[1] }
}

type Ends = readonly [number, number]

function endsOf(numbers: Float64Array): Ends {
  let [least, most] = [Infinity, -Infinity]
  for (const number of numbers) {
    if (number < least) least = number
    if (number > most) most = number
  }
  return [least, most]
}
