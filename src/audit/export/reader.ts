import { type Entry, entriesOf, entryKinds, tableOfKind } from '../../store/chain.ts'
import type { Store } from '../../store/open.ts'
import type { Cursor } from './cursors.ts'
import { type LedgerRow, presented } from '../find/presented.ts'
import type { Value } from '../rows.ts'
import { MAX_CONTENT_BYTES } from './content.ts'
import type { ExportRow, ExportTable } from '../sinks/sink.ts'

/** A row to send; who has delivered it stands at `next`. */
export type Outgoing = { readonly out: ExportRow; readonly next: Cursor }

export type Read = {
  readonly rows: readonly Outgoing[]
  /** Behind the last row, and behind entries that are not for this reader. */
  readonly next: Cursor
  /** Whether a bound ended the reading, not the end of the chain. */
  readonly more: boolean
  /** Blocks that retention removed before they were read, from and up to, and single rows that are no longer there. */
  readonly gap: { readonly from: number; readonly to: number } | undefined
  readonly missing: number
}

export type ReadBounds = { readonly rows: number; readonly bytes: number }

export type ReaderOptions = {
  readonly include: readonly ExportTable[]
  /** Whether bodies will be added to the rows: their size then counts. */
  readonly bodies: boolean
  /** Reads blocks that were committed before this, ISO 8601. */
  readonly until?: string
}

export type Reader = {
  /** What follows the cursor, in the order of the chain; a checkpoint comes after the block it covers. */
  readonly read: (cursor: Cursor, bounds: ReadBounds) => Read
  /** One row by its name; undefined when it is gone. */
  readonly row: (table: ExportTable, id: string, block: number) => ExportRow | undefined
}

/**
 * Reads the ledger along its chain: exchanges once they have ended, connections, events, and checkpoints when included. Rows are read as
 * they stand now, without their bodies. One call reads a bounded part and leaves nothing open in the database.
 */
export function chainReader(db: Store, options: ReaderOptions): Reader {
  const { include, bodies, until = '9' } = options
  const rows = rowsOf(db, options)
  const blockFrom = db.prepare<[number], StoredBlock>(
    'SELECT n, at, entries FROM chain WHERE n >= ? ORDER BY n LIMIT 1',
  )
  const head = db.prepare<[], number>('SELECT ifnull(max(n), -1) FROM chain').pluck()
  const source = {
    rows,
    bodies,
    until,
    wanted: new Set<string>(include),
    blockFrom: (n: number) => blockFrom.get(n),
    head: () => head.get() ?? -1,
  }
  return { read: (cursor, bounds) => readFrom(source, cursor, bounds), row: rows.byId }
}

type StoredBlock = { readonly n: number; readonly at: string; readonly entries: Uint8Array }

type Ledger = {
  readonly rows: ReturnType<typeof rowsOf>
  readonly bodies: boolean
  readonly until: string
  readonly wanted: ReadonlySet<string>
  readonly blockFrom: (n: number) => StoredBlock | undefined
  readonly head: () => number
}

function readFrom({ rows, bodies, until, wanted, blockFrom, head }: Ledger, cursor: Cursor, bounds: ReadBounds): Read {
  const found: Outgoing[] = []
  let [at, bytes, scanned, missing] = [cursor, 0, 0, 0]
  let gap: Read['gap']
  const full = (): boolean => found.length >= bounds.rows || bytes >= bounds.bytes || scanned >= SCANNED
  const push = (out: ExportRow | undefined, next: Cursor): void => {
    at = next
    if (out === undefined) return void (missing += 1)
    // It was open when the ledger got its chain: a later entry says how it ended.
    if (out.row.state === 'open') return
    bytes += sizeOf(out.row, bodies)
    found.push({ out, next })
  }
  while (!full()) {
    const block = blockFrom(at.block)
    const checkpoint = wanted.has('checkpoints') ? rows.checkpointAfter(at.checkpoint) : undefined
    if (checkpoint !== undefined && (block === undefined || checkpoint.block < block.n)) {
      if (checkpoint.at >= until) break
      push(checkpoint.out, { ...at, checkpoint: checkpoint.number })
      continue
    }
    if (block === undefined) {
      // The chain ends before the cursor: it was restored, and goes on from its own end.
      if (at.block > head() + 1) at = { ...at, block: head() + 1, position: 0 }
      break
    }
    if (block.at >= until) break
    if (block.n > at.block) gap = { from: gap?.from ?? at.block, to: block.n }
    let position = block.n > at.block ? 0 : at.position
    const entries = entriesOf(block.entries)
    for (; position < entries.length && !full(); position++) {
      scanned += 1
      const { kind, seq } = entries[position] as Entry
      const table = tableOfKind[kind] as ExportTable
      if (kind === entryKinds.open || kind === entryKinds.erased || !wanted.has(table)) continue
      push(rows.bySeq(table, seq, block.n), behind(at, block.n, position + 1, entries.length))
    }
    scanned += 1
    at = behind(at, block.n, position, entries.length)
  }
  return { rows: found, next: at, more: full(), gap, missing }
}

const behind = (cursor: Cursor, n: number, position: number, entries: number): Cursor =>
  position < entries ? { ...cursor, block: n, position } : { ...cursor, block: n + 1, position: 0 }

type Columns = Record<string, Value>

function rowsOf(db: Store, { include }: ReaderOptions) {
  const statement = (table: ExportTable, key: string) =>
    db.prepare<[number | string], Columns>(`SELECT ${columnsOf(db, table)} FROM ${table} WHERE ${key} = ?`)
  const bySeq = new Map(include.map((table) => [table, statement(table, table === 'checkpoints' ? 'number' : 'seq')]))
  const byId = new Map(include.map((table) => [table, statement(table, table === 'checkpoints' ? 'number' : 'id')]))
  const nextCheckpoint = db.prepare<[number], { number: number; at: string; block: number }>(
    'SELECT number, at, block FROM checkpoints WHERE number > ? ORDER BY number LIMIT 1',
  )
  const shown = (table: ExportTable, row: Columns | undefined, block: number): ExportRow | undefined =>
    row && { table, row: table === 'checkpoints' ? shownCheckpoint(row) : presented(row), block }
  return {
    bySeq: (table: ExportTable, seq: number, block: number) => shown(table, bySeq.get(table)?.get(seq), block),
    byId: (table: ExportTable, id: string, block: number) => shown(table, byId.get(table)?.get(id), block),
    checkpointAfter(number: number) {
      const next = nextCheckpoint.get(number)
      if (next === undefined) return undefined
      return { ...next, out: shown('checkpoints', bySeq.get('checkpoints')?.get(next.number), next.block) }
    },
  }
}

function columnsOf(db: Store, table: ExportTable): string {
  const names = db.prepare<[string], string>('SELECT name FROM pragma_table_info(?)').pluck().all(table)
  return names
    .filter((name) => !left.has(name))
    .map((name) => `"${name}"`)
    .join(', ')
}

/** The statement stays text: its signature is over these bytes. */
function shownCheckpoint(row: Columns): LedgerRow {
  const signature: unknown = row.signature
  return { ...row, signature: signature instanceof Uint8Array ? Buffer.from(signature).toString('base64url') : null }
}

function sizeOf(row: LedgerRow, bodies: boolean): number {
  let size = ROW_BYTES
  for (const name of longColumns) {
    const value = row[name]
    if (typeof value === 'string') size += value.length
    else if (Array.isArray(value)) size += ITEM_BYTES * value.length
  }
  if (!bodies) return size
  for (const side of ['request', 'response']) {
    const bytes = row[`${side}_bytes`]
    if (row[`${side}_sha256`] && typeof bytes === 'number') size += Math.min(bytes, MAX_CONTENT_BYTES)
  }
  return size
}

const longColumns = ['statement', 'findings', 'hooks', 'tools']
const left = new Set(['seq', 'owner', 'block', 'request_body', 'response_body'])
// What a row takes without its bodies, and one finding or hook, about.
const ROW_BYTES = 1_200
const ITEM_BYTES = 150
// Entries looked at in one call, whatever is for this reader: some milliseconds.
const SCANNED = 4_000
