import { createHash, hash } from 'node:crypto'
import type Database from 'better-sqlite3'

export type ChainedTable = 'exchanges' | 'connections' | 'events'

/** What an entry says of a row: `lost` and `erased` rows are those of an exchange that was open, or whose content was removed. */
export const entryKinds = { open: 0, done: 1, once: 2, connection: 3, event: 4, lost: 5, erased: 6 } as const

export type EntryKind = (typeof entryKinds)[keyof typeof entryKinds]

export const tableOfKind: readonly ChainedTable[] = [
  'exchanges',
  'exchanges',
  'exchanges',
  'connections',
  'events',
  'exchanges',
  'exchanges',
]

export const ENTRY_BYTES = 41

export type ChainValue = string | number | null

/** A row as it stood after a write: `digest` is what `digestOf` gives. */
export type Entry = { readonly kind: EntryKind; readonly seq: number; readonly digest: Uint8Array }

/** One transaction. `entries` as `entriesOf` reads them; `link` is 32 bytes. */
export type Block = {
  readonly n: number
  readonly at: string
  readonly entries: Uint8Array
  readonly link: Uint8Array
}

/** The block being written. */
export type OpenBlock = {
  /** Goes into the column `block` of each row that is written. */
  readonly n: number
  /** `digest` as bytes, or as `crypto.hash` gives it as a binary string. */
  readonly add: (kind: EntryKind, seq: number, digest: Uint8Array | string) => void
}

export type Chain = {
  /**
   * Runs inside a transaction that has the write lock (BEGIN IMMEDIATE): what `run` adds becomes the next block. Nothing added: no
   * block. `at` is ISO 8601 in UTC.
   */
  readonly write: <T>(at: string, run: (block: OpenBlock) => T) => T
  readonly head: () => { readonly n: number; readonly link: Uint8Array }
}

/** The chain of an open database: all that writes rows of the three tables goes through it. */
export function chainOf(db: Database.Database): Chain {
  const last = db.prepare<[], { n: number; link: Uint8Array }>('SELECT n, link FROM chain ORDER BY n DESC LIMIT 1')
  const append = db.prepare('INSERT INTO chain (n, at, entries, link) VALUES (?, ?, ?, ?)')
  let room = Buffer.allocUnsafeSlow(64 * ENTRY_BYTES)
  let used = 0

  function head(): { n: number; link: Uint8Array } {
    const found = last.get()
    if (found === undefined) throw new Error('the ledger has no chain')
    return found
  }

  function add(kind: EntryKind, seq: number, digest: Uint8Array | string): void {
    if (used + ENTRY_BYTES > room.length) {
      const larger = Buffer.allocUnsafeSlow(2 * room.length)
      room.copy(larger, 0, 0, used)
      room = larger
    }
    room[used] = kind
    room.writeUInt16BE(0, used + 1)
    room.writeUIntBE(seq, used + 3, 6)
    if (typeof digest === 'string') room.write(digest, used + 9, 32, 'latin1')
    else room.set(digest, used + 9)
    used += ENTRY_BYTES
  }

  function write<T>(at: string, run: (block: OpenBlock) => T): T {
    const before = head()
    const n = before.n + 1
    used = 0
    const outcome = run({ n, add })
    if (used > 0) {
      const entries = room.subarray(0, used)
      append.run(n, at, entries, linkOf(before.link, { n, at, entries }))
    }
    return outcome
  }

  return { write, head }
}

/** SHA-256(previous link ‖ n, 8 bytes big endian ‖ at in UTF-8 ‖ entries). */
export function linkOf(previous: Uint8Array, block: Omit<Block, 'link'>): Buffer {
  const number = Buffer.alloc(8)
  number.writeBigUInt64BE(BigInt(block.n))
  return createHash('sha256').update(previous).update(number).update(block.at).update(block.entries).digest()
}

/**
 * SHA-256 of the UTF-8 of `JSON.stringify([table, ...values])`: the values of `chainColumns[table]` in that order, as SQLite gives them
 * back, strings well-formed.
 */
export function digestOf(table: ChainedTable, values: readonly ChainValue[]): Buffer {
  return hash('sha256', JSON.stringify([table, ...values]), 'buffer')
}

/** The entries of a block: each 41 bytes, its kind, its `seq` (8 bytes, big endian) and its digest. Throws for bytes that are none. */
export function entriesOf(entries: Uint8Array): Entry[] {
  const bytes = Buffer.from(entries.buffer, entries.byteOffset, entries.byteLength)
  if (bytes.length % ENTRY_BYTES !== 0) throw new RangeError('not a whole number of entries')
  return Array.from({ length: bytes.length / ENTRY_BYTES }, (_, i) => {
    const at = i * ENTRY_BYTES
    const kind = bytes[at] as number
    const seq = Number(bytes.readBigUInt64BE(at + 1))
    if (!isKind(kind) || !Number.isSafeInteger(seq)) throw new RangeError('not an entry')
    return { kind, seq, digest: bytes.subarray(at + 9, at + ENTRY_BYTES) }
  })
}

const isKind = (kind: number): kind is EntryKind => kind < tableOfKind.length

const words = (text: string): readonly string[] => text.trim().split(/\s+/)

/**
 * What the digest of a row covers, in this order, for ever. Not `seq`, which stands in the entry, nor `owner` and `block`; not content,
 * nor where it lies, which its SHA-256 covers.
 */
export const chainColumns: Readonly<Record<ChainedTable, readonly string[]>> = {
  exchanges:
    words(`id at door client_ip principal process host port method path http_version upstream_http_version provider operation
    model stream status decision rule state error request_bytes response_bytes first_byte_ms duration_ms added_ms input_tokens
    cached_tokens cache_write_tokens output_tokens reasoning_tokens cost_usd finish_reason upstream_id cache policy connection_id
    trace_id request_sha256 response_sha256 request_truncated response_truncated attestation erased body_key tools hooks findings`),
  connections: words(
    `id at client_ip principal host port sni alpn handling reason bytes_up bytes_down duration_ms error attestation`,
  ),
  events: words(`id at who what subject before after`),
}

/** The same as a list of columns in SQL. */
export const chainColumnsSql = (table: ChainedTable): string =>
  chainColumns[table].map((name) => `"${name}"`).join(', ')
