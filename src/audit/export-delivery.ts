import { setTimeout as sleep } from 'node:timers/promises'
import { nextTurn, withTimeout } from '../lib/async.ts'
import { type Backoff, backoffMs } from '../lib/backoff.ts'
import { deliver } from './export-batch.ts'
import type { Cursor, Cursors } from './export-cursors.ts'
import { type ContentFiller, filledRows } from './export-content.ts'
import { failureOf, type FailureClass } from './export-failure.ts'
import type { Read, Reader } from './export-reader.ts'
import { type Sink, SinkError } from './sinks/sink.ts'

/** `idle`: all is delivered. `failing`: waits to try again. `full`: so many dead letters that it delivers nothing until some are gone. */
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
  const limits = { ...defaults, ...options.limits }
  const { name, cursors } = options
  const [stopping, cancel] = [new AbortController(), new AbortController()]
  let wake = Promise.withResolvers<void>()
  let cursor = cursors.begin(name, options.since)
  let [saved, savedAt] = [cursor, options.now()]
  let state: DeliveryState = 'idle'
  let [behind, inARow, gapTo] = [true, 0, -1]
  let figures = { delivered: 0, batches: 0, refused: 0, missing: 0, failures: {} as Record<string, number> }
  let [lastSuccess, problem]: [number | undefined, string | undefined] = [undefined, undefined]

  const pause = (ms: number): Promise<void> => sleep(ms, undefined, { signal: stopping.signal }).catch(() => undefined)

  function settle(next: Cursor, delivered: number, dead: Parameters<Cursors['settle']>[1]['dead']): void {
    cursors.settle(name, { cursor: next, delivered, dead })
    cursor = saved = next
    savedAt = options.now()
  }

  const moved = (): boolean => cursor.block !== saved.block || cursor.position !== saved.position

  function tellGap({ gap }: Read): void {
    if (gap === undefined || gap.to <= gapTo) return
    gapTo = gap.to
    options.notice({ kind: 'gap', ...gap })
  }

  /** All of it was dealt with. */
  function passed({ missing, next }: Read): void {
    cursor = next
    figures.missing += missing
    if (missing > 0) options.notice({ kind: 'missing', rows: missing })
  }

  /** What to send next; nothing when all there is was passed over. A batch that is not full waits a little for more. */
  async function gather(): Promise<Read> {
    const most = Math.max(1, options.batch.rows >> Math.min(inARow, 20))
    const bounds = { rows: most, bytes: options.batch.bytes }
    const read = options.reader.read(cursor, bounds)
    if (read.rows.length === 0 || read.more || options.batch.lingerMs === 0) return read
    await pause(options.batch.lingerMs)
    return options.reader.read(cursor, bounds)
  }

  async function send(read: Read): Promise<void> {
    const letters = cursors.countLetters(name)
    if (letters >= limits.deadLetters) throw new LettersFull(letters)
    state = 'delivering'
    const sent = {
      sink: options.sink,
      stopping: stopping.signal,
      cancel: cancel.signal,
      ...limits,
      backoff: limits.refusedBackoff,
    }
    for await (const { rows, dead } of deliver(await filledRows(read.rows, options.fill), {
      ...sent,
      random: options.random,
    })) {
      const last = rows.at(-1)
      if (last === undefined) continue
      settle(last.next === read.rows.at(-1)?.next ? read.next : last.next, rows.length - dead.length, dead)
      figures.delivered += rows.length - dead.length
      figures.refused += dead.length
      figures.batches += 1
      lastSuccess = options.now()
      if (dead[0] !== undefined) options.notice({ kind: 'refused', rows: dead.length, reason: dead[0].reason })
    }
    passed(read)
    recovered()
  }

  function recovered(): void {
    if (inARow > 0) options.notice({ kind: 'recovered', failures: inARow })
    inARow = 0
    problem = undefined
  }

  async function failed(thrown: unknown): Promise<void> {
    inARow += 1
    const failure = failureOf(thrown)
    problem = failure.reason
    const full = thrown instanceof LettersFull
    if (full && state !== 'full') options.notice({ kind: 'full', letters: thrown.letters })
    if (!full && inARow === 1) options.notice({ kind: 'failing', ...failure })
    state = full ? 'full' : 'failing'
    if (!full) figures.failures[failure.class] = (figures.failures[failure.class] ?? 0) + 1
    quietly(() => cursors.failed(name, inARow, failure.reason))
    const asked = thrown instanceof SinkError ? (thrown.retryAfterMs ?? 0) : 0
    await pause(Math.max(backoffMs(inARow, limits.backoff, options.random), Math.min(asked, limits.retryAfterMs)))
  }

  async function step(): Promise<void> {
    const read = await gather()
    tellGap(read)
    behind = read.more || read.rows.length > 0
    if (stopping.signal.aborted) return
    if (read.rows.length > 0) return send(read)
    passed(read)
    if (read.more) return nextTurn()
    state = 'idle'
    await wake.promise
    wake = Promise.withResolvers<void>()
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        await step()
      } catch (thrown) {
        if (!stopping.signal.aborted) await failed(thrown)
      }
    }
    if (moved()) quietly(() => settle(cursor, 0, []))
    await options.sink.close().catch(() => undefined)
  }

  const ended = run()
  return {
    wake() {
      behind = true
      wake.resolve()
    },
    caughtUp: () => !behind && state === 'idle',
    save() {
      if (state === 'idle' && moved() && options.now() - savedAt >= limits.saveMs) settle(cursor, 0, [])
    },
    figures: () => ({ ...figures, state, cursor, lastSuccess, problem }),
    async stop(graceMs) {
      stopping.abort()
      wake.resolve()
      const timer = setTimeout(() => cancel.abort(), graceMs)
      const hangs = (): Error => new Error(`the sink ${name} does not end`)
      await withTimeout(ended, graceMs + ABORT_MS, hangs).catch(() => undefined)
      clearTimeout(timer)
    },
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
