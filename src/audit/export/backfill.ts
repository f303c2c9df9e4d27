import { setTimeout as sleep } from 'node:timers/promises'
import { type Backoff, backoffMs } from '../../lib/backoff.ts'
import type { Store } from '../../store/open.ts'
import { deliver } from './batch.ts'
import { type ContentFiller, filledRows } from './content.ts'
import { type Cursor, type DeadLetter, startAt } from './cursors.ts'
import { chainReader } from './reader.ts'
import type { ExportTable, Sink } from '../sinks/sink.ts'

export type BackFillOptions = {
  readonly db: Store
  readonly sink: Sink
  readonly include: readonly ExportTable[]
  readonly fill?: ContentFiller | undefined
  readonly batch: { readonly rows: number; readonly bytes: number }
  /** Times at which rows were complete, ISO 8601; `until` exclusive. */
  readonly since: string
  readonly until?: string | undefined
  readonly signal: AbortSignal
  /** Failures in a row after which it is given up. */
  readonly tries: number
  readonly backoff: Backoff
  readonly random: () => number
  /** Told of each failure that is followed by another try. */
  readonly failed: (cause: unknown) => void
}

export type BackFillStep = {
  readonly delivered: number
  readonly dead: readonly DeadLetter[]
  /** All before this time was delivered: the `since` to go on with. */
  readonly at: string
}

/**
 * Sends what became part of the ledger in a span of time to a sink, in order, and yields after each part. Cursors stay where they are. Throws what
 * the sink throws in the end; a later call with `since` as the last step's `at` goes on from there.
 */
export async function* backFill(options: BackFillOptions): AsyncGenerator<BackFillStep> {
  const { db, include, since, signal } = options
  const reader = chainReader(db, {
    include,
    bodies: options.fill !== undefined,
    ...(options.until !== undefined && { until: options.until }),
  })
  const atOf = db.prepare<[number], string>('SELECT at FROM chain WHERE n >= ? ORDER BY n LIMIT 1').pluck()
  let cursor: Cursor = startAt(db, since)
  let failures = 0
  for (;;) {
    signal.throwIfAborted()
    const read = reader.read(cursor, options.batch)
    try {
      const filled = await filledRows(read.rows, options.fill, options.batch.bytes)
      for await (const { rows, dead } of deliver(filled, batchOptions(options))) {
        cursor = rows.at(-1)?.next ?? cursor
        yield { delivered: rows.length - dead.length, dead, at: atOf.get(cursor.block) ?? options.until ?? since }
      }
      failures = 0
      if (filled.length < read.rows.length) continue
      cursor = read.next
    } catch (cause) {
      failures += 1
      if (signal.aborted || failures >= options.tries) throw cause
      options.failed(cause)
      await sleep(backoffMs(failures, options.backoff, options.random), undefined, { signal })
      continue
    }
    if (!read.more) return
  }
}

function batchOptions({ sink, signal, random }: BackFillOptions) {
  const backoff = { firstMs: 100, mostMs: 1_000 }
  return { sink, stopping: signal, cancel: signal, sendMs: 60_000, attempts: 3, backoff, random }
}
