import type { Fault } from './faults.ts'

export type Table = 'exchanges' | 'connections' | 'events'

/** One transaction of the ledger. */
export type Block = { readonly n: number; readonly at: string; readonly entries: Uint8Array; readonly link: Uint8Array }

/** A row: `values` of the columns that the chain covers, in its order. `body` is for the source itself. */
export type Row = {
  readonly seq: number
  readonly block: number
  readonly values: readonly (string | number | null)[]
  readonly body?: unknown
}

export type Side = 'request' | 'response'

/**
 * What there is of a body, held against the SHA-256 in its row: `missing` when a file is named and not there, `altered` also when it cannot
 * be read, `sealed` without the key, `skipped` when files are not looked at, `gone` when it was removed while we looked. `file`: it stands
 * in a file of its own.
 */
export type Content = {
  readonly kind: 'none' | 'fits' | 'altered' | 'missing' | 'sealed' | 'skipped' | 'gone'
  readonly file: boolean
}

type Some<T> = Iterable<T> | AsyncIterable<T>

/** What is verified. All that is iterated comes in order and is read once, but for checkpoints. */
export type Source = {
  readonly columns: Readonly<Record<Table, readonly string[]>>
  /** Whether it is an excerpt: rows may be left out, and it may begin at any checkpoint. */
  readonly excerpt: boolean
  readonly blocks: () => Some<Block>
  readonly checkpoints: () => Some<CheckpointLine>
  /** The rows of these entries of block `n`, whatever block they say; undefined for one that is not there. */
  readonly rows: (n: number, wanted: readonly { table: Table; seq: number }[]) => Some<Row | undefined>
  /** Both sides of a row of `exchanges`. */
  readonly content: (row: Row, side: Side) => Content | Promise<Content>
  /** A row wherever it stands; only asked for those that do not fit. */
  readonly find: (table: Table, seq: number) => Row | undefined
  /** Rows that no entry stands for; `counts` are those that one does. */
  readonly strays: (counts: Counts) => Some<Row & { readonly table: Table }>
  /** What is wrong with that in which it is all kept, beside what it holds: an index, say, by which others do not find a row. */
  readonly damages?: () => readonly string[]
}

export type VerifyOptions = {
  /** Keys that may have signed, each as base64url of its 32 bytes; none: the ones that the checkpoints name, which then must be one. */
  readonly keys: readonly string[]
  /** Whether a ledger without a checkpoint by one of them is a fault: the caller knows that it is signed. */
  readonly signed?: boolean
  /** Checkpoints that were kept elsewhere. */
  readonly kept?: readonly CheckpointLine[]
  /** So many faults are named; all are counted. */
  readonly maxFaults?: number
  readonly progress?: (blocks: number) => void
}

export type Verified = {
  readonly ok: boolean
  /** The first ones, in the order of the chain. */
  readonly faults: readonly Fault[]
  readonly faultCount: number
  /** SHA-256-sized name of the ledger, in hex; null when nothing tells it. */
  readonly ledger: string | null
  readonly blocks: number
  readonly rows: Counts
  /** What retention had removed before the first block that is there. */
  readonly removed: Removed | null
  /** The last checkpoint that fits; what stands after it is chained and not signed yet. */
  readonly proof: Proof | null
  readonly checkpoints: number
  readonly head: { readonly block: number; readonly at: string } | null
  readonly unsigned: { readonly blocks: number; readonly entries: number }
  readonly content: {
    readonly checked: number
    readonly erased: number
    readonly lost: number
    readonly notKept: number
    readonly sealed: number
    readonly skipped: number
  }
  /** Of an excerpt: rows of which only the digest is there. */
  readonly digestsOnly: number
}

export type Counts = { readonly exchanges: number; readonly connections: number; readonly events: number }

/** A row of `checkpoints`. `signature` is the Ed25519 signature of the UTF-8 of `statement`. */
export type CheckpointLine = {
  readonly number: number
  readonly at: string
  readonly reason: string
  readonly block: number
  readonly statement: string
  readonly signature: Uint8Array
}

/** Where a chain may begin that lacks its first blocks. */
export type Start = {
  readonly block: number
  readonly link: Uint8Array
  readonly entries: number
  readonly removed: Removed | null
}

/** What retention has removed since the ledger began, as a checkpoint says it. */
export type Removed = {
  readonly toBlock: number
  /** Of the last block removed, in hex. */
  readonly link: string
  readonly entries: number
  readonly exchanges: number
  readonly connections: number
  readonly events: number
  readonly from: string | null
  readonly to: string | null
}

/** How far a signature proves a ledger. `key` is base64url of the 32 bytes. */
export type Proof = {
  readonly number: number
  readonly at: string
  readonly block: number
  readonly entries: number
  readonly key: string
}
