import Database from 'better-sqlite3'
import { SallyportError } from '../../core/errors.ts'
import { chainColumns, chainColumnsSql, tableOfKind } from '../../store/chain.ts'
import { type Checked, contentColumns, contentReader, type ContentRow } from '../bodies/read-content.ts'
import type { SealKey } from '../bodies/seal.ts'
import { openSnapshot, type Snapshot } from '../snapshot.ts'
import { ENTRY_BYTES, tables } from './rows.ts'
import type { Block, CheckpointLine, Content, Counts, Row, Side, Source, Table } from './source.ts'

export type LedgerSource = Source & {
  /** How many numbers of each table were given out, by SQLite's own count, after the last one that the chain tells of. */
  readonly beyond: () => Counts
  /** Whether a row names this file of `bodies/`. */
  readonly names: (spill: string) => boolean
  readonly close: () => void
}

export type LedgerPlace = {
  readonly database: string
  /** The data folder; without one, files are not looked at. */
  readonly dir: string | undefined
  /** What opens sealed content. */
  readonly keys: readonly SealKey[]
}

/** A database as it is at this moment, also while others write it. Throws `ledger_unavailable` or `ledger_corrupt`. */
export function ledgerSource(place: LedgerPlace): LedgerSource {
  const snapshot = openSnapshot(place.database)
  try {
    return sourceOf(snapshot, place)
  } catch (cause) {
    snapshot.close()
    throw cause
  }
}

function sourceOf({ db, path, close }: Snapshot, place: LedgerPlace): LedgerSource {
  const rowOf = Object.fromEntries(tables.map((table) => [table, rowReader(db, table)])) as Record<Table, RowReader>
  const later = { db: undefined as Database.Database | undefined }
  const named = db.prepare<[string, string, string]>(
    'SELECT 1 FROM exchanges WHERE id = ? AND (request_spill = ? OR response_spill = ?)',
  )
  return {
    columns: chainColumns,
    excerpt: false,
    blocks: () => blocksOf(db),
    checkpoints: () => checkpointsOf(db),
    *rows(_, wanted) {
      for (const { table, seq } of wanted) yield rowOf[table](seq)
    },
    find: (table, seq) => rowOf[table](seq),
    content: contentOf(db, place, (row) => isGone((later.db ??= new Database(path, { readonly: true })), row)),
    strays: (counts) => straysOf(db, rowOf, counts),
    beyond: () => beyond(db),
    damages: () =>
      db
        .prepare<[], string>('PRAGMA integrity_check(100)')
        .pluck()
        .all()
        .filter((line) => line !== 'ok'),
    names: (spill) => named.get(spill.replace(/^.*\/([^/.]+)\.[a-z]+$/, '$1'), spill, spill) !== undefined,
    close() {
      later.db?.close()
      close()
    },
  }
}

/** Which sides stand in a file, and which in the row. */
type Body = { readonly file: Readonly<Record<Side, boolean>>; readonly text: Readonly<Record<Side, boolean>> }
type RowReader = (seq: number) => Row | undefined

function rowReader(db: Database.Database, table: Table): RowReader {
  const bodies =
    table === 'exchanges'
      ? ', request_spill IS NOT NULL, response_spill IS NOT NULL, request_body IS NOT NULL, response_body IS NOT NULL'
      : ''
  const sql = `SELECT block, ${chainColumnsSql(table)}${bodies} FROM ${table} WHERE seq = ?`
  const select = db.prepare<[number], (string | number | null)[]>(sql).raw()
  const width = chainColumns[table].length
  return (seq) => {
    const found = select.get(seq)
    if (found === undefined) return undefined
    const [request, response, requestText, responseText] = found.slice(1 + width).map((is) => is === 1)
    const body: Body = {
      file: { request: request === true, response: response === true },
      text: { request: requestText === true, response: responseText === true },
    }
    return { seq, block: Number(found[0]), values: found.slice(1, 1 + width), body }
  }
}

/** The content of a row as it is now. Where it has both a text and a file, both must fit. */
function contentOf(db: Database.Database, place: LedgerPlace, gone: (row: Row) => boolean): Source['content'] {
  const { dir } = place
  const reader = contentReader({ dir: dir ?? '', keys: place.keys })
  const select = db.prepare<[number], ContentRow>(`SELECT ${contentColumns} FROM exchanges WHERE seq = ?`)

  async function check(row: Row, side: Side, { text, file }: Body): Promise<Content> {
    const stored = select.get(row.seq) ?? {}
    if (text[side]) {
      const kind = kindOf(await reader.check({ ...stored, [`${side}_spill`]: null }, side))
      if (kind !== 'fits' || !file[side]) return { kind, file: false }
    }
    if (dir === undefined) return { kind: 'skipped', file: true }
    const kind = kindOf(await reader.check(stored, side))
    // While we look, retention or erasure may take the file away.
    return { kind: kind !== 'fits' && kind !== 'sealed' && gone(row) ? 'gone' : kind, file: true }
  }

  return (row, side) => {
    const body = row.body as Body
    return body.text[side] || body.file[side] ? check(row, side, body) : { kind: 'none', file: false }
  }
}

function kindOf(checked: Checked): Content['kind'] {
  if (checked.kind !== 'unreadable') return checked.kind === 'intact' ? 'fits' : 'none'
  return ({ 'no-key': 'sealed', missing: 'missing' } as const)[checked.why as string] ?? 'altered'
}

/** Whether a row was removed, or written again, since it was read. */
export function isGone(db: Database.Database, row: Pick<Row, 'seq' | 'block'>): boolean {
  const block = db.prepare<[number], number>('SELECT block FROM exchanges WHERE seq = ?').pluck().get(row.seq)
  return block === undefined || block !== row.block
}

/** The blocks after `n`; a number below 0 is none that there can be. Throws `ledger_corrupt` for a row that is no block. */
export function* blocksOf(db: Database.Database, n = LOWEST): Iterable<Block> {
  const page = db.prepare<[number], Block>(
    `SELECT n, ${short('at', 64)}, ${short('entries', MOST_ENTRIES_BYTES)}, ${short('link', 32)} FROM chain WHERE n > ? ORDER BY n LIMIT 16`,
  )
  let last = n
  for (let blocks = page.all(last); blocks.length > 0; blocks = page.all(last)) {
    for (const block of blocks) {
      // In a damaged file rows may come again and again.
      if (!isBlock(block) || block.n <= last) throw noRow('chain', block.n)
      last = block.n
      yield block
    }
  }
}

/** The checkpoints with a higher number. Throws `ledger_corrupt` for a row that is none. */
export function* checkpointsOf(db: Database.Database, after = LOWEST): Iterable<CheckpointLine> {
  const columns = `number, ${short('at', 64)}, ${short('reason', 64)}, block, ${short('statement', 65_536)}, ${short('signature', 64)}`
  const sql = `SELECT ${columns} FROM checkpoints WHERE number > ? ORDER BY number LIMIT 256`
  const page = db.prepare<[number], CheckpointLine>(sql)
  let last = after
  for (let lines = page.all(last); lines.length > 0; lines = page.all(last)) {
    for (const line of lines) {
      if (!isCheckpoint(line) || line.number <= last) throw noRow('checkpoints', line.number)
      last = line.number
      yield line
    }
  }
}

/** A column, or null when it has more bytes than it can need: what a stranger put there does not fill the memory. */
const short = (column: string, bytes: number): string =>
  `CASE WHEN octet_length(${column}) <= ${bytes} THEN ${column} END AS ${column}`

// SQLite looks at types when it writes; who changes the file itself can put anything there.
const isBlock = ({ n, at, entries, link }: Block): boolean =>
  Number.isSafeInteger(n) && n >= 0 && isText(at) && entries instanceof Uint8Array && link instanceof Uint8Array

const isCheckpoint = ({ number, at, reason, block, statement, signature }: CheckpointLine): boolean =>
  [number, block].every((n) => Number.isSafeInteger(n)) &&
  [at, reason, statement].every(isText) &&
  signature instanceof Uint8Array

const isText = (value: unknown): boolean => typeof value === 'string'

const noRow = (table: string, number: unknown): SallyportError =>
  new SallyportError(
    'ledger_corrupt',
    `the ledger was altered: row ${String(number)} of ${table} is not one that can be`,
    {
      hint: 'What cannot be read is not proved: take a copy from a backup.',
    },
  )

/** Only looked for when there are more rows than the chain has accounted for. */
function* straysOf(
  db: Database.Database,
  rowOf: Record<Table, RowReader>,
  counts: Counts,
): Iterable<Row & { readonly table: Table }> {
  const entriesOf = db.prepare<[number], Buffer>('SELECT entries FROM chain WHERE n = ?').pluck()
  let known: { readonly block: number; readonly seqs: ReadonlySet<number> } | undefined
  for (const table of tables) {
    const there = db.prepare<[], number>(`SELECT count(*) FROM ${table}`).pluck().get() ?? 0
    if (there === counts[table]) continue
    const page = db.prepare<[number], { seq: number; block: number }>(
      `SELECT seq, block FROM ${table} WHERE seq > ? ORDER BY seq LIMIT 1000`,
    )
    let last = LOWEST
    for (let rows = page.all(last); rows.length > 0; rows = page.all(last)) {
      for (const { seq, block } of rows) {
        if (seq <= last) throw noRow(table, seq)
        last = seq
        if (known?.block !== block) known = { block, seqs: seqsOf(table, entriesOf.get(block)) }
        const row = known.seqs.has(seq) ? undefined : rowOf[table](seq)
        if (row !== undefined) yield { ...row, table }
      }
    }
    known = undefined
  }
}

function seqsOf(table: Table, entries: Buffer = Buffer.alloc(0)): Set<number> {
  const seqs = new Set<number>()
  for (let at = 0; at + ENTRY_BYTES <= entries.length; at += ENTRY_BYTES)
    if (tableOfKind[entries[at]!] === table) seqs.add(entries.readUIntBE(at + 3, 6))
  return seqs
}

function beyond(db: Database.Database): Counts {
  const given = db.prepare<[string], number>('SELECT seq FROM sqlite_sequence WHERE name = ?').pluck()
  const more = (table: Table): number => {
    const last = db.prepare<[], number | null>(`SELECT max(seq) FROM ${table}`).pluck().get()
    return last === null || last === undefined ? 0 : Math.max(0, (given.get(table) ?? 0) - last)
  }
  return { exchanges: more('exchanges'), connections: more('connections'), events: more('events') }
}

const LOWEST = Number.MIN_SAFE_INTEGER
// Of 400 000 entries; the ledger writes less than a tenth at a time.
const MOST_ENTRIES_BYTES = 16_777_216
