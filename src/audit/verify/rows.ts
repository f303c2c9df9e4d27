import { hash } from 'node:crypto'
import type { FaultList, Wrong } from './faults.ts'
import type { Block, Content, Row, Side, Source, Table, Verified } from './source.ts'

/** Holds the rows, and their content, against the entries of the chain while it is walked. */
export type RowWalk = {
  readonly next: (block: Block) => Promise<void>
  readonly end: () => Promise<void>
  readonly outcome: () => Pick<Verified, 'rows' | 'content' | 'digestsOnly'>
}

export function rowWalk(source: Source, faults: FaultList, mostAwaited: number = MOST_AWAITED): RowWalk {
  // Entries whose row says a later block: one must come. As many as there are exchanges at a time.
  const awaited = new Map<number, Entry>()
  const told = new Set<number>()
  const rows = { exchanges: 0, connections: 0, events: 0 }
  const contents = contentWalk(source, fault)
  let overflow = 0

  function fault(what: Wrong, entry: Entry, detail: string, row?: Row): void {
    const { table, seq, block, at, index } = entry
    if (told.size < MOST_AWAITED) told.add(keyOf(table, seq))
    const id = row === undefined ? null : String(row.values[0]).slice(0, 100)
    const both = { is: row && hexOf(digestOf(table, row.values)), should: entry.digest && hexOf(entry.digest) }
    faults.add({ what, table, id, seq, block, at, index, detail, ...both })
  }

  async function next(block: Block): Promise<void> {
    const entries = lastEntriesOf(block, fault)
    let i = 0
    for await (const row of source.rows(block.n, entries)) await one(entries[i++]!, row)
  }

  async function one(entry: Entry, row: Row | undefined): Promise<void> {
    const key = keyOf(entry.table, entry.seq)
    if (row === undefined || row.block > entry.block) {
      // A digest of its own: as a part of its block it would keep all of that.
      if (awaited.size < mostAwaited || awaited.has(key))
        awaited.set(key, { ...entry, digest: Buffer.from(entry.digest!) })
      else if (row === undefined && !source.excerpt) unseen(entry)
      // One that says a later block is met there, or is a stray.
      else overflow += 1
      return
    }
    awaited.delete(key)
    rows[entry.table] += row.block === entry.block ? 1 : 0
    if (!digestOf(entry.table, row.values).equals(entry.digest!)) fault('altered', entry, ALTERED, row)
    else if (row.block < entry.block) fault('altered', entry, 'the number of its block was changed', row)
    else if (entry.table === 'exchanges') await contents.check(entry, row)
  }

  async function end(): Promise<void> {
    if (!source.excerpt) for (const entry of awaited.values()) unseen(entry)
    for await (const { table, ...row } of source.strays(rows)) {
      const { seq, block } = row
      if (told.has(keyOf(table, seq))) continue
      fault('inserted', { table, seq, block, at: null, index: Infinity }, 'no entry of the chain is for it', row)
    }
  }

  function unseen(entry: Entry): void {
    const row = source.find(entry.table, entry.seq)
    if (row === undefined) fault('removed', entry, 'the row is not there')
    else if (digestOf(entry.table, row.values).equals(entry.digest!))
      fault('altered', entry, 'the number of its block was changed', row)
    else fault('altered', entry, ALTERED, row)
  }

  return {
    next,
    end,
    outcome: () => ({ rows, content: contents.counts(), digestsOnly: source.excerpt ? awaited.size + overflow : 0 }),
  }
}

/** An entry of a block. Without a digest: a place that no entry stands for. */
type Entry = {
  readonly table: Table
  readonly seq: number
  readonly block: number
  readonly at: string | null
  readonly index: number
  readonly digest?: Buffer
}

type Tell = (what: Wrong, entry: Entry, detail: string, row?: Row) => void

/** The last entry for each row, in order: of a row that was written twice in a block the first one is past. */
function lastEntriesOf({ n, at, entries }: Block, tell: Tell): Entry[] {
  const bytes = Buffer.from(entries.buffer, entries.byteOffset, entries.byteLength)
  const last = new Map<number, Entry>()
  for (let index = 0; (index + 1) * ENTRY_BYTES <= bytes.length; index += 1) {
    const from = index * ENTRY_BYTES
    const table = tableOfKind[bytes[from]!]
    const seq = bytes.readUInt16BE(from + 1) === 0 ? bytes.readUIntBE(from + 3, 6) : -1
    const digest = bytes.subarray(from + 9, from + ENTRY_BYTES)
    if (table === undefined || seq < 0)
      tell('chain altered', { table: 'exchanges', seq, block: n, at, index }, 'an entry is of no kind that there is')
    else {
      const key = keyOf(table, seq)
      last.delete(key)
      last.set(key, { table, seq, block: n, at, index, digest })
    }
  }
  return [...last.values()]
}

/** Holds the content of exchanges against the SHA-256 in their rows. */
function contentWalk(source: Source, tell: Tell) {
  const counts = { checked: 0, erased: 0, lost: 0, notKept: 0, sealed: 0, skipped: 0 }
  const at = Object.fromEntries(source.columns.exchanges.map((name, i) => [name, i]))
  const value = (row: Row, name: string): unknown => row.values[at[name]!]

  async function check(entry: Entry, row: Row): Promise<void> {
    for (const side of sides) {
      const found = source.content(row, side)
      const content = found instanceof Promise ? await found : found
      const problem = problemOf(row, side, content)
      if (problem !== undefined) tell(problem[0], entry, problem[1], row)
    }
  }

  function problemOf(row: Row, side: Side, { kind, file }: Content): readonly [Wrong, string] | undefined {
    const hashed = value(row, `${side}_sha256`) !== null
    switch (kind) {
      case 'fits':
        counts.checked += 1
        return undefined
      case 'altered':
        if (!hashed) return ['inserted', `the row was written without a ${side} body`]
        return [file ? 'file altered' : 'altered', `the ${side} body does not fit its SHA-256`]
      case 'sealed':
      case 'skipped':
        counts[kind] += 1
        return undefined
      case 'missing':
        if (excused(row, side, 'lost')) return undefined
        return ['file missing', `the file of the ${side} body is not there`]
      case 'none':
        return !hashed || excused(row, side) ? undefined : ['altered', `the ${side} body is not there`]
      case 'gone':
        return undefined
    }
  }

  /** Whether the row itself says that its content is not there: that is in its digest. */
  function excused(row: Row, side: Side, state?: string): boolean {
    const error = value(row, 'error')
    const why =
      value(row, 'erased') !== null
        ? 'erased'
        : state !== undefined && value(row, 'state') === state
          ? 'lost'
          : typeof error === 'string' && new RegExp(`(?:${side} body|bodies) not kept`).test(error)
            ? 'notKept'
            : undefined
    if (why !== undefined) counts[why] += 1
    return why !== undefined
  }

  return { check, counts: () => counts }
}

/** SHA-256 of the UTF-8 of `JSON.stringify([table, ...values])`, strings well-formed. */
export function digestOf(table: Table, values: Row['values']): Buffer {
  const text = JSON.stringify(charsOf(values) > MOST_CHARS ? NEVER : [table, ...values.map(asIs)])
  return Buffer.from(hash('sha256', text, 'hex'), 'hex')
}

// What no writer ever bound has no place in a digest: JSON would show an infinite number as `null`.
const asIs = (value: string | number | null): string | number | null =>
  value === null || typeof value === 'string' || Number.isFinite(value) ? value : NEVER

const charsOf = (values: Row['values']): number =>
  values.reduce<number>((sum, value) => sum + (typeof value === 'string' ? value.length : 0), 0)

const keyOf = (table: Table, seq: number): number => 4 * seq + tables.indexOf(table)
const hexOf = (bytes: Buffer): string => bytes.toString('hex')

export const ENTRY_BYTES = 41
export const tables: readonly Table[] = ['exchanges', 'connections', 'events']
const tableOfKind: readonly Table[] = [
  'exchanges',
  'exchanges',
  'exchanges',
  'connections',
  'events',
  'exchanges',
  'exchanges',
]
const sides: readonly Side[] = ['request', 'response']
const ALTERED = 'its content is not what was written'
const MOST_AWAITED = 2 ** 20
// Bodies are not covered; all other columns of a row together do not come near.
const MOST_CHARS = 2 ** 26
// Half a surrogate: strings that are covered are well-formed.
const NEVER = '\uD800'
