import type { Store } from '../../store/open.ts'
import { ENTRY_BYTES, entryKinds } from '../../store/chain.ts'

/** Tables that have rows enough to need more than SQLite's own indexes. */
export type BulkTable = 'exchanges' | 'connections'

/** What came to the ledger after block `after`, up to and with block `through`: the rows by `seq`, each once, in the order of the chain. */
export type Ended = {
  readonly through: number
  readonly link: Uint8Array
  readonly exchanges: readonly number[]
  readonly connections: readonly number[]
  /** Of the exchanges those whose content was erased. */
  readonly erased: readonly number[]
}

/** At least one block, if there is one; then more until there are `limit` entries. */
export function endedAfter(db: Store, after: number, limit: number = Infinity): Ended | undefined {
  const blocks = db
    .prepare<[number], ChainBlock>('SELECT n, link, entries FROM chain WHERE n > ? ORDER BY n')
    .iterate(after)
  const seqs = { exchanges: new Set<number>(), connections: new Set<number>() }
  const erased = new Set<number>()
  let last: ChainBlock | undefined
  let count = 0
  for (const block of blocks) {
    for (const { kind, seq } of endsIn(block.entries)) {
      seqs[kind === entryKinds.connection ? 'connections' : 'exchanges'].add(seq)
      if (kind === entryKinds.erased) erased.add(seq)
    }
    last = block
    count += block.entries.length / ENTRY_BYTES
    if (count >= limit) break
  }
  if (last === undefined) return undefined
  const { n, link } = last
  return { through: n, link, exchanges: [...seqs.exchanges], connections: [...seqs.connections], erased: [...erased] }
}

/** How many entries there are after a block; reads none of them. */
export function entriesAfter(db: Store, after: number): number {
  const sql = 'SELECT ifnull(sum(length(entries)), 0) FROM chain WHERE n > ?'
  return Number(db.prepare<[number], number>(sql).pluck().get(after)) / ENTRY_BYTES
}

/** The number of the first block that is still there: rows whose last entry is before it are gone. */
export function firstBlock(db: Store): number {
  return db.prepare<[], number | null>('SELECT min(n) FROM chain WHERE n > 0').pluck().get() ?? Infinity
}

type ChainBlock = { readonly n: number; readonly link: Uint8Array; readonly entries: Uint8Array }

// Digests are not looked at: `audit verify` does that.
function* endsIn(entries: Uint8Array): Generator<{ kind: number; seq: number }> {
  const bytes = Buffer.from(entries.buffer, entries.byteOffset, entries.byteLength)
  for (let at = 0; at + ENTRY_BYTES <= bytes.length; at += ENTRY_BYTES) {
    const kind = bytes[at] as number
    if (ends.has(kind)) yield { kind, seq: bytes.readUIntBE(at + 3, 6) }
  }
}

const ends = new Set<number>([
  entryKinds.done,
  entryKinds.once,
  entryKinds.connection,
  entryKinds.lost,
  entryKinds.erased,
])
