import type { Store } from '../../store/open.ts'
import { cursorsOf, type SinkRecord } from './cursors.ts'
import { lagOf } from './figures.ts'

/** Where a sink stands; `new`: it has no cursor yet, `removed`: it has one and is no longer configured. */
export type SinkState = {
  readonly name: string
  readonly type: string | null
  readonly state: 'new' | 'delivering' | 'waiting' | 'failing' | 'removed'
  readonly lag_blocks: number
  readonly lag_seconds: number
  readonly delivered: number
  readonly dead_letters: number
  readonly delivered_at: string | null
  readonly error: string | null
}

/** Those configured, and those that once were and still have a cursor. `now` is in milliseconds since 1970. */
export function sinkStates(
  db: Store,
  configured: readonly { readonly name: string; readonly type: string }[],
  now: number,
): SinkState[] {
  const cursors = cursorsOf(db, () => now)
  const letters = cursors.letterCounts()
  const lag = lagOf(db)
  const known = new Map(cursors.all().map((record) => [record.name, record]))
  const types = new Map(configured.map(({ name, type }) => [name, type]))
  return [...new Set([...types.keys(), ...known.keys()])].map((name) => {
    const record = known.get(name)
    const behind = record === undefined ? { blocks: 0, seconds: 0 } : lag(record.block, now)
    return {
      name,
      type: types.get(name) ?? null,
      state: stateOf(record, types.has(name), behind.blocks),
      lag_blocks: behind.blocks,
      lag_seconds: Math.round(behind.seconds),
      delivered: record?.delivered ?? 0,
      dead_letters: letters.get(name) ?? 0,
      delivered_at: record?.delivered_at ?? null,
      error: record?.error ?? null,
    }
  })
}

function stateOf(record: SinkRecord | undefined, configured: boolean, behind: number): SinkState['state'] {
  if (!configured) return 'removed'
  if (record === undefined) return 'new'
  if (record.failures > 0) return 'failing'
  return behind > 0 ? 'delivering' : 'waiting'
}
