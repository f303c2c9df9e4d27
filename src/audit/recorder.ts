import { newEventId } from '../core/ids.ts'
import type { EventKind } from '../store/event-kinds.ts'
import { identityOf } from '../store/identity.ts'
import { databasePath, type Durability, openStore, orStoreError, pragmasFor } from '../store/open.ts'
import { claimOwner, type Owner } from '../store/owners.ts'
import { markLeft, markLost } from './lost.ts'
import { type QueueNotice, type QueueStats, WriteQueue } from './queue.ts'
import { type GapBook, gapBook } from './gap.ts'
import type { ConnectionRow, EventRow, ExchangeDone, ExchangeOpen } from './rows.ts'
import type { SealKey, Side } from './bodies/seal.ts'
import {
  fileColumns,
  kinds,
  pushConnection,
  pushDone,
  pushEvent,
  pushOnce,
  pushOpen,
  type WriteKind,
  writeStatements,
} from './statements.ts'
import type { WriterData } from './writer.ts'

/**
 * Writes the ledger, without ever blocking the event loop. Writes are committed in the order they were given, many in one
 * transaction. When the database cannot be written they are kept and tried again, up to a bound.
 */
export type Recorder = {
  /**
   * Resolves when the row is committed as durability promises (`relaxed`: at once). Rejects with `ledger_unavailable` when nothing could
   * be committed for `patienceMs`; an exchange that goes on nevertheless is finished by `once`, not by `done`.
   */
  readonly open: (row: ExchangeOpen) => Promise<void>
  /** Finishes an exchange whose `open` resolved. Never refused: far above the bound it goes without its bodies, and says so. */
  readonly done: (row: ExchangeDone) => void
  /** An exchange that needed no row before forwarding, because nothing was forwarded. Replaces a row of the same id. */
  readonly once: (open: ExchangeOpen, done: ExchangeDone) => void
  readonly connection: (row: ConnectionRow) => void
  readonly event: (row: EventRow) => void
  /** An exchange goes on although its `open` was rejected: counted, and told in an event once the ledger can be written. */
  readonly forwarded: () => void
  /** Above the bound of the queue: a promise to wait for before taking more work. */
  readonly pressure: () => Promise<void> | undefined
  /** Whether the last try to commit worked. */
  readonly available: () => boolean
  /** Why it did not. */
  readonly problem: () => string | undefined
  /** Resolves when all that was given so far is committed; rejects with `ledger_unavailable` as `open` does. */
  readonly flush: () => Promise<void>
  /** Writes what is queued and ends the thread; rejects when rows had to be given up. The recorder is not used after. */
  readonly close: () => Promise<void>
  readonly stats: () => RecorderStats
  /** The id of this process in the ledger, for `markLost`. */
  readonly owner: number
}

export type RecorderStats = QueueStats & {
  /** Exchanges that went on without a row before them. */
  readonly forwarded: number
}

export type RecorderNotice =
  | QueueNotice
  | { readonly kind: 'lost'; readonly exchanges: number }
  /** The file of the ledger was removed or replaced under this process, which goes on in the one told; what only the old one had is gone. */
  | { readonly kind: 'replaced'; readonly reason: string }

export type RecorderOptions = {
  /** The data folder. */
  readonly dir: string
  readonly durability: Durability
  /** The largest body that comes inline, in bytes: the thread's memory is measured by it. */
  readonly inlineBytes: number
  /** Bound of the queue, in bytes of its rows. */
  readonly queueBytes?: number
  /** How long `open` waits for a database that cannot be written. */
  readonly patienceMs?: number
  readonly notice?: (notice: RecorderNotice) => void
  /** Seals what bodies come inline or as content; what comes as a file is sealed with it already. */
  readonly key?: SealKey | undefined
  /** A bound for the database, in pages. */
  readonly maxPages?: number
}

/** Opens the ledger, marks what dead processes left open as lost, and starts the writer. Throws as `openStore` does. */
export function startRecorder(options: RecorderOptions): Recorder {
  return new LedgerRecorder(options, claim(options))
}

/** This process in the ledger, and the file it is registered in. */
type Claim = { readonly owner: Owner; readonly identity: string }

function claim(options: RecorderOptions): Claim {
  const path = databasePath(options.dir)
  return orStoreError(path, () => {
    const db = openStore(options)
    try {
      const identity = identityOf(path) ?? 'gone already'
      const exchanges = markLost(db, options.dir)
      if (exchanges > 0) options.notice?.({ kind: 'lost', exchanges })
      return { owner: claimOwner(db, options.dir, process.pid), identity }
    } finally {
      db.close()
    }
  })
}

class LedgerRecorder implements Recorder {
  readonly #options: RecorderOptions
  #claim: Claim
  readonly #queue: WriteQueue
  readonly #gaps: GapBook
  #forwarded = 0
  #telling: NodeJS.Timeout | undefined

  constructor(options: RecorderOptions, first: Claim) {
    this.#options = options
    this.#claim = first
    this.#queue = new WriteQueue({
      writer: () => this.#writer(),
      heapMb: 48 + Math.ceil((8 * options.inlineBytes) / 2 ** 20),
      bound: options.queueBytes ?? QUEUE_BYTES,
      patienceMs: options.patienceMs ?? PATIENCE_MS,
      notice: (notice) => this.#heard(notice),
    })
    this.#gaps = gapBook(() => {
      const { turnedAway, refused, forwarded } = this.stats()
      return { forwarded, turnedAway, givenUp: refused - turnedAway }
    }, Date.now)
  }

  get owner(): number {
    return this.#claim.owner.id
  }

  open(row: ExchangeOpen): Promise<void> {
    const queue = this.#queue
    const outage = queue.outage()
    if (outage !== undefined) return Promise.reject(outage)
    const pressure = queue.pressure()
    if (pressure !== undefined) return pressure.then(() => this.open(row))
    const values = queue.begin(kinds.open)
    const at = values.length
    pushOpen(values, row)
    this.#file(kinds.open, at, 'request', row.requestContent)
    const waits = this.#options.durability !== 'relaxed'
    queue.end(ROW_BYTES + lengthOf(row.requestBody) + lengthOf(row.requestContent), waits)
    return waits ? queue.untilCommitted() : Promise.resolve()
  }

  done(row: ExchangeDone): void {
    const kept = this.#queue.overflows() ? withoutBodies(row) : row
    const values = this.#queue.begin(kinds.done)
    const at = values.length
    pushDone(values, kept)
    this.#file(kinds.done, at, 'request', kept.requestContent)
    this.#file(kinds.done, at, 'response', kept.responseContent)
    this.#queue.end(doneBytes(kept) + lengthOf(kept.requestContent), false)
  }

  once(open: ExchangeOpen, done: ExchangeDone): void {
    if (this.#queue.refusesMore()) return
    const requestContent = done.requestContent ?? open.requestContent
    const values = this.#queue.begin(kinds.once)
    const at = values.length
    pushOnce(values, open, done)
    this.#file(kinds.once, at, 'request', requestContent)
    this.#file(kinds.once, at, 'response', done.responseContent)
    this.#queue.end(doneBytes(done) + lengthOf(open.requestBody) + lengthOf(requestContent), false)
  }

  connection(row: ConnectionRow): void {
    if (this.#queue.refusesMore()) return
    pushConnection(this.#queue.begin(kinds.connection), row)
    this.#queue.end(ROW_BYTES, false)
  }

  // Few and small: they are always taken.
  event(row: EventRow): void {
    pushEvent(this.#queue.begin(kinds.event), row)
    this.#queue.end(ROW_BYTES + lengthOf(row.before) + lengthOf(row.after), false)
  }

  forwarded(): void {
    this.#forwarded += 1
    this.#counted()
  }

  pressure(): Promise<void> | undefined {
    return this.#queue.pressure()
  }

  available(): boolean {
    return this.#queue.problem() === undefined
  }

  problem(): string | undefined {
    return this.#queue.problem()
  }

  flush(): Promise<void> {
    return this.#queue.flush()
  }

  async close(): Promise<void> {
    clearTimeout(this.#telling)
    if (this.available()) this.#tellGap()
    try {
      await this.#queue.close()
    } finally {
      this.#claim.owner.release()
    }
    this.#leaveRegister()
  }

  stats(): RecorderStats {
    return { ...this.#queue.stats(), forwarded: this.#forwarded }
  }

  #heard(notice: QueueNotice): void {
    if (notice.kind === 'unavailable') this.#gaps.began(notice.reason)
    if (notice.kind === 'refused') this.#counted()
    if (notice.kind === 'recovered') this.#tellGap()
    this.#options.notice?.(notice)
  }

  // What is counted without an outage is told a little later, many in one.
  #counted(): void {
    this.#gaps.counted()
    this.#telling ??= setTimeout(() => {
      this.#telling = undefined
      if (this.available()) this.#tellGap()
    }, TELL_MS).unref()
  }

  #tellGap(): void {
    const gap = this.#gaps.over()
    if (gap === undefined) return
    const { forwarded, turnedAway, givenUp } = gap.cost
    const [from, to] = [gap.from, gap.to].map((time) => new Date(time).toISOString())
    const before = { from, reason: gap.reason }
    if (gap.reason !== null) this.#act('ledger.recovered', before, { to })
    if (forwarded + turnedAway + givenUp === 0) return
    this.#act('ledger.gap', before, { to, exchanges: forwarded, refused: turnedAway, givenUp })
  }

  #act(what: EventKind, before: object, after: object): void {
    const now = Date.now()
    const texts = { before: JSON.stringify(before), after: JSON.stringify(after) }
    this.event({ id: newEventId(now), at: new Date(now).toISOString(), who: 'sallyport', what, ...texts })
  }

  /** What a thread that starts now works with: when the file is not the one it was, this process registers anew in what stands there. */
  #writer(): WriterData {
    const { dir, durability, key, maxPages } = this.#options
    const path = databasePath(dir)
    if (identityOf(path) !== this.#claim.identity) this.#claimAnew(path)
    const pragmas = pragmasFor(durability)
    if (maxPages !== undefined) pragmas.push(`max_page_count = ${maxPages}`)
    const { identity, owner } = this.#claim
    return { path, identity, pragmas, statements: writeStatements(owner.id), dir, sync: durability === 'power', key }
  }

  #claimAnew(path: string): void {
    const removed = identityOf(path) === undefined
    this.#claim.owner.release()
    this.#claim = claim(this.#options)
    const was = removed ? 'removed: a new, empty ledger is made' : 'replaced by another file'
    const reason = `${path} was ${was}; rows and keys that only the old file had are gone`
    this.#options.notice?.({ kind: 'replaced', reason })
    // Not now: this may be before there is a queue.
    queueMicrotask(() => this.#act('ledger.replaced', { file: removed ? 'removed' : 'replaced' }, {}))
  }

  /** `at`: where the write's values begin. */
  #file(kind: WriteKind, at: number, side: Side, content: Uint8Array | null | undefined): void {
    if (!content) return
    const { spill, sha256, error } = fileColumns(kind, side)
    this.#queue.file({ side, content, spill: at + spill, sha256: at + sha256, error: at + error })
  }

  // What is still open now will never be finished. When it cannot be said now, the next start says it.
  #leaveRegister(): void {
    try {
      const db = openStore(this.#options)
      try {
        markLeft(db, this.#options.dir, this.owner)
      } finally {
        db.close()
      }
    } catch {
      // All rows are written; only their state waits for the next start.
    }
  }
}

function withoutBodies(row: ExchangeDone): ExchangeDone {
  const bodies = row.requestBody || row.responseBody || row.requestContent || row.responseContent
  const gone = bodies ? 'bodies not kept: the ledger could not be written' : null
  return {
    ...row,
    requestBody: null,
    responseBody: null,
    requestSha256: row.requestSpill ? row.requestSha256 : null,
    responseSha256: row.responseSpill ? row.responseSha256 : null,
    requestContent: null,
    responseContent: null,
    error: [row.error, gone].filter(Boolean).join('; ') || null,
  }
}

function doneBytes(row: ExchangeDone): number {
  const bodies = lengthOf(row.requestBody) + lengthOf(row.responseBody) + lengthOf(row.responseContent)
  return ROW_BYTES + bodies + lengthOf(row.findings) + lengthOf(row.hooks) + lengthOf(row.tools)
}

const lengthOf = (content: string | Uint8Array | null | undefined): number => content?.length ?? 0

// What the short columns of a row take, about.
const ROW_BYTES = 600
const QUEUE_BYTES = 32 * 2 ** 20
const PATIENCE_MS = 5_000
const TELL_MS = 1_000
