import { setTimeout as sleep } from 'node:timers/promises'
import { type Backoff, backoffMs } from '../../lib/backoff.ts'
import { withDeadline } from '../../lib/deadline.ts'
import type { DeadLetter } from './cursors.ts'
import type { Outgoing } from './reader.ts'
import { BatchRefused, type Refused, type Sink } from '../sinks/sink.ts'

/** Rows of a batch, from its beginning, that are dealt with: delivered, or refused often enough. */
export type Part = { readonly rows: readonly Outgoing[]; readonly dead: readonly DeadLetter[] }

export type BatchOptions = {
  readonly sink: Sink
  /** Ends waits: the part that was not settled is sent again another time. */
  readonly stopping: AbortSignal
  /** Ends a delivery. */
  readonly cancel: AbortSignal
  /** How long one delivery may take. */
  readonly sendMs: number
  /** How often a row that is refused is sent in all. */
  readonly attempts: number
  readonly backoff: Backoff
  readonly random: () => number
}

/**
 * Sends a batch and yields its parts as they are settled, in order. A batch refused as a whole is halved until the row is found. Throws what
 * the sink throws, and when it is to stop; what was yielded before stays settled.
 */
export async function* deliver(rows: readonly Outgoing[], options: BatchOptions): AsyncGenerator<Part> {
  const waiting: (readonly Outgoing[])[] = [rows]
  for (let part = waiting.shift(); part !== undefined; part = waiting.shift()) {
    const refused = await sendOnce(part, options)
    if (refused === 'whole') {
      const middle = Math.ceil(part.length / 2)
      waiting.unshift(part.slice(0, middle), part.slice(middle))
      continue
    }
    yield { rows: part, dead: refused.length === 0 ? [] : await sendRefused(part, refused, options) }
  }
}

async function sendOnce(rows: readonly Outgoing[], options: BatchOptions): Promise<readonly Refused[] | 'whole'> {
  const out = rows.map((row) => row.out)
  try {
    return await withDeadline(options.cancel, options.sendMs, (signal) => options.sink.send(out, signal))
  } catch (thrown) {
    if (!(thrown instanceof BatchRefused)) throw thrown
    return rows.length > 1 ? 'whole' : [{ index: 0, reason: thrown.message }]
  }
}

/** Gives the refused rows of a part some more chances; what is still refused then is dead. */
async function sendRefused(
  rows: readonly Outgoing[],
  refused: readonly Refused[],
  options: BatchOptions,
): Promise<DeadLetter[]> {
  let left = refusedOf(rows, refused)
  for (let attempt = 1; attempt < options.attempts && left.size > 0; attempt++) {
    await sleep(backoffMs(attempt, options.backoff, options.random), undefined, { signal: options.stopping })
    const again = [...left.keys()]
    const outcome = await sendOnce(again, options)
    left = outcome === 'whole' ? await sendEach(again, options) : refusedOf(again, outcome)
  }
  return [...left].map(([{ out }, reason]) => ({ ...nameOf(out), reason, attempts: options.attempts }))
}

async function sendEach(rows: readonly Outgoing[], options: BatchOptions): Promise<Map<Outgoing, string>> {
  const left = new Map<Outgoing, string>()
  for (const row of rows) {
    const outcome = await sendOnce([row], options)
    if (outcome !== 'whole' && outcome[0] !== undefined) left.set(row, outcome[0].reason)
  }
  return left
}

function refusedOf(rows: readonly Outgoing[], refused: readonly Refused[]): Map<Outgoing, string> {
  const left = new Map<Outgoing, string>()
  for (const { index, reason } of refused) {
    const row = rows[index]
    if (row !== undefined) left.set(row, reason)
  }
  return left
}

/** What a row is known by. */
export function nameOf({ table, row, block }: Outgoing['out']): Pick<DeadLetter, 'table' | 'row' | 'block'> {
  return { table, row: String(table === 'checkpoints' ? row.number : row.id), block }
}
