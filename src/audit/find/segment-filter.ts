import { globMatcher } from '../../lib/glob.ts'
import type { BulkTable } from './ended.ts'
import { type FilterName, filterEntries, type LedgerFilter, listOf } from './filter.ts'
import type { Segment } from './segment.ts'

/** Rows of a segment that fit, by their index. `conditionOf` says the same in SQL. `text` is not looked at. */
export type SegmentFilter = (segment: Segment, bounds: Bounds) => Uint32Array

export type Bounds = {
  /** Rows whose last entry is before this block of the chain are gone. */
  readonly firstBlock: number
  /** Rows that are told elsewhere. */
  readonly except: ReadonlySet<number>
  /** Only rows before this one. */
  readonly beforeSeq: number
}

export function segmentFilter(table: BulkTable, filter: LedgerFilter): SegmentFilter {
  const entries = filterEntries(filter).filter(([name]) => !apart.has(name))
  const wanted = entries.map(([name, value]) => columnFilters[table][name]?.(value))
  const since = filter.since === undefined ? -Infinity : Date.parse(filter.since)
  const until = filter.until === undefined ? Infinity : Date.parse(filter.until)
  return (segment, bounds) => {
    const { range } = segment
    const outside = range.maxAt < since || range.minAt >= until || range.minSeq >= bounds.beforeSeq
    if (outside || range.maxBlock < bounds.firstBlock) return NONE
    const tests: RowTest[] = []
    for (const condition of wanted) {
      const test = condition === undefined ? 'none' : wordTest(segment, condition)
      if (test === 'none') return NONE
      if (test !== 'all') tests.push(test)
    }
    if (range.minAt < since || range.maxAt >= until) tests.push(timeTest(segment, since, until))
    return fitting(segment, [...tests, ...boundTests(segment, bounds)])
  }
}

type RowTest = (index: number) => boolean
type Condition = { readonly column: string; readonly fits: (name: string) => boolean }

function wordTest(segment: Segment, { column, fits }: Condition): RowTest | 'none' | 'all' {
  const { names, codes } = segment.words(column)
  const allowed = Uint8Array.from(names, (name) => (name !== null && fits(name) ? 1 : 0))
  if (!allowed.includes(1)) return 'none'
  // The first name is null, which nothing fits; it may have no row.
  if (!allowed.includes(0, 1) && !codes.includes(0)) return 'all'
  return (index) => allowed[codes[index] as number] === 1
}

function timeTest(segment: Segment, since: number, until: number): RowTest {
  const at = segment.numbers('at')
  return (index) => (at[index] as number) >= since && (at[index] as number) < until
}

function boundTests(segment: Segment, { firstBlock, except, beforeSeq }: Bounds): RowTest[] {
  const { minSeq, maxSeq, minBlock } = segment.range
  const tests: RowTest[] = []
  if (minBlock < firstBlock) {
    const blocks = segment.numbers('block')
    tests.push((index) => (blocks[index] as number) >= firstBlock)
  }
  const here = new Set([...except].filter((seq) => seq >= minSeq && seq <= maxSeq))
  if (here.size === 0 && maxSeq < beforeSeq) return tests
  const seqs = segment.numbers('seq')
  if (here.size > 0) tests.push((index) => !here.has(seqs[index] as number))
  if (maxSeq >= beforeSeq) tests.push((index) => (seqs[index] as number) < beforeSeq)
  return tests
}

function fitting({ rows }: Segment, tests: readonly RowTest[]): Uint32Array {
  const found = new Uint32Array(rows)
  let count = 0
  for (let index = 0; index < rows; index += 1) {
    if (tests.every((test) => test(index))) found[count++] = index
  }
  return found.subarray(0, count)
}

const oneOf =
  (column: string) =>
  (value: string): Condition => {
    const values = new Set(listOf(value))
    return { column, fits: (name) => values.has(name) }
  }

const globs =
  (column: string) =>
  (value: string): Condition => ({ column, fits: globMatcher(listOf(value)) })

const hosts = (value: string): Condition => globs('host')(value.toLowerCase())

const findingTypes = (value: string): Condition => {
  const matches = globMatcher(listOf(value))
  const fits = (types: string): boolean =>
    (JSON.parse(types) as unknown[]).some((type) => typeof type === 'string' && matches(type))
  return { column: 'findings', fits }
}

const columnFilters: Readonly<Record<BulkTable, Partial<Record<FilterName, (value: string) => Condition>>>> = {
  exchanges: {
    host: hosts,
    provider: oneOf('provider'),
    model: globs('model'),
    principal: oneOf('principal'),
    decision: oneOf('decision'),
    finding: findingTypes,
  },
  connections: { host: hosts, principal: oneOf('principal'), decision: oneOf('handling') },
}

const apart = new Set<FilterName>(['since', 'until', 'text'])
const NONE = new Uint32Array()
