import { setTimeout as sleep } from 'node:timers/promises'
import { nextTurn, withTimeout } from '../../lib/async.ts'
import { type Backoff, backoffMs } from '../../lib/backoff.ts'
import { deliver } from './batch.ts'
import type { Cursor, Cursors, DeadLetter } from './cursors.ts'
import { type ContentFiller, filledRows } from './content.ts'
import { failureOf, type FailureClass } from './failure.ts'
import type { Read, Reader } from './reader.ts'
import { type Sink, SinkError } from '../sinks/sink.ts'

/** `idle`: all is delivered. `failing`: waits to try again, or tries again. `full`: so many dead letters that it delivers nothing until some are gone. */
export type DeliveryState = 'idle' | 'delivering' | 'failing' | 'full'

/** What one sink has to tell. Rows are those delivered or refused since the start. */
export type DeliveryFigures = {
  readonly state: DeliveryState
  readonly cursor: Cursor
  readonly delivered: number
  readonly batches: number
  readonly refused: number
  readonly failures: Readonly<Partial<Record<FailureClass, number>>>
  /** Single rows that were gone before they could be sent. */
  readonly missing: number
  /** Milliseconds since 1970; undefined before the first. */
  readonly lastSuccess: number | undefined
  readonly problem: string | undefined
}

export type Batching = { readonly rows: number; readonly bytes: number; readonly lingerMs: number }

export type DeliveryOptions = {
  readonly name: string
  readonly sink: Sink
  readonly reader: Reader
  /** For a sink that is sent bodies. */
  readonly fill?: ContentFiller | undefined
  readonly cursors: Cursors
  /** Begins here when the sink is new, ISO 8601; with what comes when undefined. */
  readonly since?: string | undefined
  readonly batch: Batching
  readonly limits?: Partial<DeliveryLimits>
  readonly now: () => number
  readonly random: () => number
  readonly notice: (notice: DeliveryNotice) => void
}

export type DeliveryLimits = {
  readonly backoff: Backoff
  /** Between the tries of rows that were refused. */
  readonly refusedBackoff: Backoff
  /** Longest wait that a receiver may ask for. */
  readonly retryAfterMs: number
  readonly sendMs: number
  readonly attempts: number
  readonly deadLetters: number
  /** How often a cursor that only passed rows of no interest is kept. */
  readonly saveMs: number
}

export type DeliveryNotice =
  | { readonly kind: 'failing'; readonly class: FailureClass; readonly reason: string }
  | { readonly kind: 'recovered'; readonly failures: number }
  | { readonly kind: 'refused'; readonly rows: number; readonly reason: string }
  | { readonly kind: 'full'; readonly letters: number }
  | { readonly kind: 'gap'; readonly from: number; readonly to: number }
  | { readonly kind: 'missing'; readonly rows: number }

export type Delivery = {
  /** Something was committed. */
  readonly wake: () => void
  /** Whether everything up to the end of the chain was dealt with. */
  readonly caughtUp: () => boolean
  readonly figures: () => DeliveryFigures
  /** Keeps the cursor, when it has only passed rows of no interest for some time. */
  readonly save: () => void
  /** Begins no further batch; the one in flight has `graceMs`. Then the cursor is kept and the sink closed. */
  readonly stop: (graceMs: number) => Promise<void>
}

/** Follows the chain for one sink until it is stopped. Only one may run for a name at a time. */
export function startDelivery(options: DeliveryOptions): Delivery {
  return new Loop(options)
}

/** Owns the sink. */
class Loop implements Delivery {
  readonly #options: DeliveryOptions
  readonly #limits: DeliveryLimits
  readonly #stopping = new AbortController()
  readonly #cancel = new AbortController()
  readonly #ended: Promise<void>
  readonly #counts = { delivered: 0, batches: 0, refused: 0, missing: 0 }
  readonly #failures: Partial<Record<FailureClass, number>> = {}
  #woken = Promise.withResolvers<void>()
  /** What was dealt with, and of it what is kept. */
  #cursor: Cursor
  #saved: Cursor
  #savedAt: number
  #state: DeliveryState = 'idle'
  #behind = true
  #failuresInARow = 0
  #gapTo = -1
  #lastSuccess: number | undefined
  #problem: string | undefined

  constructor(options: DeliveryOptions) {
    this.#options = options
    this.#limits = { ...defaults, ...options.limits }
    this.#cursor = options.cursors.begin(options.name, options.since)
    this.#saved = this.#cursor
    this.#savedAt = options.now()
    this.#ended = this.#run()
  }

  wake(): void {
    this.#behind = true
    this.#woken.resolve()
  }

  caughtUp(): boolean {
    return !this.#behind && this.#state === 'idle'
  }

  figures(): DeliveryFigures {
    return {
      ...this.#counts,
      failures: this.#failures,
      state: this.#state,
      cursor: this.#cursor,
      lastSuccess: this.#lastSuccess,
      problem: this.#problem,
    }
  }

  save(): void {
    // The clock may go back.
    const due = Math.abs(this.#options.now() - this.#savedAt) >= this.#limits.saveMs
    if (due && this.#state === 'idle' && this.#moved()) this.#settle(this.#cursor, 0, [])
  }

  async stop(graceMs: number): Promise<void> {
    this.#stopping.abort()
    this.#woken.resolve()
    const timer = setTimeout(() => this.#cancel.abort(), graceMs)
    const hangs = (): Error => new Error(`the sink ${this.#options.name} does not end`)
    await withTimeout(this.#ended, graceMs + ABORT_MS, hangs).catch(() => undefined)
    clearTimeout(timer)
  }

  async #run(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      try {
        await this.#step()
      } catch (thrown) {
        if (!this.#stopping.signal.aborted) await this.#failed(thrown)
      }
    }
    if (this.#moved()) quietly(() => this.#settle(this.#cursor, 0, []))
    await this.#options.sink.close().catch(() => undefined)
  }

  async #step(): Promise<void> {
    const read = await this.#gather()
    this.#tellGap(read)
    this.#behind = read.more || read.rows.length > 0
    if (this.#stopping.signal.aborted) return
    if (read.rows.length > 0) return this.#send(read)
    this.#passed(read)
    if (read.more) return nextTurn()
    this.#state = 'idle'
    await this.#woken.promise
    this.#woken = Promise.withResolvers<void>()
  }

  /** What to send next; nothing when all there is was passed over. A batch that is not full waits a little for more. */
  async #gather(): Promise<Read> {
    const { reader, batch } = this.#options
    const bounds = { rows: Math.max(1, batch.rows >> Math.min(this.#failuresInARow, 20)), bytes: batch.bytes }
    const read = reader.read(this.#cursor, bounds)
    if (read.rows.length === 0 || read.more || batch.lingerMs === 0) return read
    await this.#pause(batch.lingerMs)
    return reader.read(this.#cursor, bounds)
  }

  async #send(wanted: Read): Promise<void> {
    const { cursors, name, sink, random, now, notice } = this.#options
    const letters = cursors.countLetters(name)
    if (letters >= this.#limits.deadLetters) throw new LettersFull(letters)
    if (this.#failuresInARow === 0) this.#state = 'delivering'
    const read = await this.#filled(wanted)
    const { sendMs, attempts, refusedBackoff: backoff } = this.#limits
    const [stopping, cancel] = [this.#stopping.signal, this.#cancel.signal]
    const parts = deliver(read.rows, { sink, random, sendMs, attempts, backoff, stopping, cancel })
    for await (const { rows, dead } of parts) {
      const next = rows.at(-1)?.next ?? this.#cursor
      this.#settle(next === read.rows.at(-1)?.next ? read.next : next, rows.length - dead.length, dead)
      this.#counts.delivered += rows.length - dead.length
      this.#counts.refused += dead.length
      this.#counts.batches += 1
      this.#lastSuccess = now()
      if (dead[0] !== undefined) notice({ kind: 'refused', rows: dead.length, reason: dead[0].reason })
    }
    this.#passed(read)
    if (this.#failuresInARow > 0) notice({ kind: 'recovered', failures: this.#failuresInARow })
    this.#failuresInARow = 0
    this.#problem = undefined
    this.#state = 'delivering'
  }

  /** With bodies; as many rows as there is room for, the others are read again. */
  async #filled(read: Read): Promise<Read> {
    const { fill, batch } = this.#options
    const rows = await filledRows(read.rows, fill, batch.bytes)
    const last = rows.at(-1)
    return rows.length === read.rows.length || last === undefined
      ? { ...read, rows }
      : { ...read, rows, next: last.next, missing: 0 }
  }

  async #failed(thrown: unknown): Promise<void> {
    const { cursors, name, notice, random } = this.#options
    const { backoff, retryAfterMs } = this.#limits
    this.#failuresInARow += 1
    const failure = failureOf(thrown)
    this.#problem = failure.reason
    if (thrown instanceof LettersFull) {
      if (this.#state !== 'full') notice({ kind: 'full', letters: thrown.letters })
      this.#state = 'full'
    } else {
      if (this.#failuresInARow === 1) notice({ kind: 'failing', ...failure })
      this.#state = 'failing'
      this.#failures[failure.class] = (this.#failures[failure.class] ?? 0) + 1
    }
    quietly(() => cursors.failed(name, this.#failuresInARow, failure.reason))
    const asked = thrown instanceof SinkError ? (thrown.retryAfterMs ?? 0) : 0
    await this.#pause(Math.max(backoffMs(this.#failuresInARow, backoff, random), Math.min(asked, retryAfterMs)))
  }

  /** All of it was dealt with. */
  #passed({ missing, next }: Read): void {
    this.#cursor = next
    this.#counts.missing += missing
    if (missing > 0) this.#options.notice({ kind: 'missing', rows: missing })
  }

  #tellGap({ gap }: Read): void {
    if (gap === undefined || gap.to <= this.#gapTo) return
    this.#gapTo = gap.to
    this.#options.notice({ kind: 'gap', ...gap })
  }

  #settle(next: Cursor, delivered: number, dead: readonly DeadLetter[]): void {
    this.#options.cursors.settle(this.#options.name, { cursor: next, delivered, dead })
    this.#cursor = next
    this.#saved = next
    this.#savedAt = this.#options.now()
  }

  #moved(): boolean {
    return this.#cursor.block !== this.#saved.block || this.#cursor.position !== this.#saved.position
  }

  #pause(ms: number): Promise<void> {
    return sleep(ms, undefined, { signal: this.#stopping.signal }).catch(() => undefined)
  }
}

class LettersFull extends Error {
  readonly letters: number
  constructor(letters: number) {
    super(`${letters} dead letters: nothing more is delivered until they are sent again or dropped`)
    this.name = 'LettersFull'
    this.letters = letters
  }
}

/** What cannot be written now is written later: the rows are then sent again. */
function quietly(write: () => void): void {
  try {
    write()
  } catch {
    // The ledger's own outage is told elsewhere.
  }
}

// What a sink has to give up a delivery that was cancelled.
const ABORT_MS = 500
const defaults: DeliveryLimits = {
  backoff: { firstMs: 500, mostMs: 60_000 },
  refusedBackoff: { firstMs: 100, mostMs: 1_000 },
  retryAfterMs: 600_000,
  sendMs: 60_000,
  attempts: 3,
  deadLetters: 10_000,
  saveMs: 10_000,
}
