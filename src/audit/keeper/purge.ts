import { setTimeout } from 'node:timers/promises'
import { newEventId } from '../../core/ids.ts'
import { writeBriefly } from '../../store/brief-write.ts'
import { insertEvent } from '../../store/events.ts'
import type { Store } from '../../store/open.ts'
import { chainRange, removeOldest } from './retention.ts'

export type PurgeOptions = {
  /** The data folder. */
  readonly dir: string
  readonly now: () => number
  /** Who wants it and why, for the event. */
  readonly who: string
  readonly reason: 'age' | 'size' | 'demand'
  /** The last block that may go. */
  readonly through: number
  /** Whether enough has gone; asked after each step. */
  readonly enough?: (bytesOfFiles: number) => boolean
  /** The sinks that are configured: what they have not had is told. */
  readonly sinks: readonly string[]
}

export type Purged = {
  readonly blocks: number
  readonly exchanges: number
  readonly connections: number
  readonly events: number
  readonly files: number
  readonly bytes: number
  /** Times of the first and the last block that went, ISO 8601. */
  readonly from: string | null
  readonly to: string | null
  /** By sink: rows that it had not had. */
  readonly gaps: Readonly<Record<string, number>>
}

/**
 * Removes blocks from the front, step by step, each with the write lock for a few milliseconds and a pause after it that is three times as long; then
 * says so in an event. Never removes the head of the chain.
 */
export async function purge(db: Store, options: PurgeOptions, signal: AbortSignal): Promise<Purged> {
  const head = chainRange(db).last
  const total = { blocks: 0, exchanges: 0, connections: 0, events: 0, files: 0, bytes: 0 }
  const gaps: Record<string, number> = {}
  let from: string | null = null
  let to: string | null = null
  let entries = FIRST_ENTRIES
  const last = Math.min(options.through, head - 1)
  while (!signal.aborted && options.enough?.(total.bytes) !== true) {
    const { first } = chainRange(db)
    const behind = sinkBlocks(db, options.sinks)
    // A step goes over no cursor: then all of it was delivered to a sink, or nothing.
    const through = Math.min(last, ...[...behind.values()].filter((block) => block > first).map((block) => block - 1))
    const step = removeOldest(db, { dir: options.dir, through, entries, now: options.now() })
    if (step === undefined) break
    total.blocks += step.toBlock - first + 1
    for (const name of ['exchanges', 'connections', 'events', 'files', 'bytes'] as const) total[name] += step[name]
    const rows = step.exchanges + step.connections + step.events
    for (const [sink, block] of behind) if (block <= first && rows > 0) gaps[sink] = (gaps[sink] ?? 0) + rows
    from ??= step.from
    to = step.to
    entries = nextEntries(entries, step.lockMs)
    await setTimeout(Math.max(1, 3 * step.lockMs), undefined, { signal }).catch(() => undefined)
  }
  const purged = { ...total, from, to, gaps }
  if (total.blocks > 0) tell(db, options, purged)
  return purged
}

/** The rows that would go with the blocks up to `through`. */
export function purgeable(db: Store, through: number): Pick<Purged, 'exchanges' | 'connections' | 'events'> {
  const last = Math.min(through, chainRange(db).last - 1)
  const rows = (table: string, unless = ''): number =>
    db.prepare<[number], number>(`SELECT count(*) FROM ${table} WHERE block <= ? ${unless}`).pluck().get(last) ?? 0
  return {
    exchanges: rows('exchanges', `AND state <> 'open'`),
    connections: rows('connections'),
    events: rows('events'),
  }
}

/** Where sinks stand that have begun: the block that holds the next row for them. */
export function sinkBlocks(db: Store, sinks: readonly string[]): Map<string, number> {
  const all = db.prepare<[], { name: string; block: number }>('SELECT name, block FROM sinks').all()
  return new Map(all.filter(({ name }) => sinks.includes(name)).map(({ name, block }) => [name, block]))
}

function tell(db: Store, { now, who, reason }: PurgeOptions, purged: Purged): void {
  const time = now()
  const [id, at] = [newEventId(time), new Date(time).toISOString()]
  const after = JSON.stringify({ reason, ...purged })
  writeBriefly(db, () => insertEvent(db, { id, at, who, what: 'retention.purge', before: null, after }))
}

function nextEntries(entries: number, lockMs: number): number {
  if (lockMs > 3) return Math.max(10, Math.floor(entries / 2))
  return lockMs < 1.5 ? Math.min(400, Math.ceil(entries * 1.5)) : entries
}

const FIRST_ENTRIES = 50
