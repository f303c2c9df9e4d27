import { cursorsOf, type KeptLetter, type SinkRecord } from '../audit/export-cursors.ts'
import { lagOf } from '../audit/export-figures.ts'
import { openStoreForReading, type Store } from '../store/open.ts'
import type { Place } from './audit-export-place.ts'
import { type Column, printJson, printTable } from './output.ts'

/** Prints where each sink stands: those configured, and those that once were and still have a cursor. */
export async function printStatus({ config, io, json }: Place): Promise<number> {
  const states = withStore(config.data.dir, (db) => statesOf(db, config.audit.export))
  if (json) await printJson(io, ...states)
  else await printTable(io, stateColumns, states)
  return 0
}

/** Prints the rows that sinks refused, oldest first. */
export async function listLetters({ config, io, json }: Place, sink: string | undefined): Promise<number> {
  let last = 0
  for (;;) {
    const letters = withStore(config.data.dir, (db) => cursorsOf(db, Date.now).letters(sink, last, PAGE))
    if (letters.length === 0) return 0
    if (json) await printJson(io, ...letters)
    else await printTable(io, letterColumns, letters)
    last = letters.at(-1)?.seq ?? last
  }
}

type SinkState = {
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

function statesOf(db: Store, configured: readonly { readonly name: string; readonly type: string }[]): SinkState[] {
  const cursors = cursorsOf(db, Date.now)
  const letters = cursors.letterCounts()
  const lag = lagOf(db)
  const known = new Map(cursors.all().map((record) => [record.name, record]))
  const types = new Map(configured.map(({ name, type }) => [name, type]))
  return [...new Set([...types.keys(), ...known.keys()])].map((name) => {
    const record = known.get(name)
    const behind = record === undefined ? { blocks: 0, seconds: 0 } : lag(record.block, Date.now())
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

function withStore<T>(dir: string, use: (db: Store) => T): T {
  const db = openStoreForReading({ dir })
  try {
    return use(db)
  } finally {
    db.close()
  }
}

const stateColumns: readonly Column<SinkState>[] = [
  { title: 'sink', of: ({ name }) => name },
  { title: 'type', of: ({ type }) => type },
  { title: 'state', of: ({ state }) => state },
  { title: 'behind', align: 'right', of: ({ lag_blocks: blocks }) => blocks },
  { title: 'seconds', align: 'right', of: ({ lag_seconds: seconds }) => seconds },
  { title: 'delivered', align: 'right', of: ({ delivered }) => delivered },
  { title: 'dead', align: 'right', of: ({ dead_letters: dead }) => dead },
  { title: 'last delivery', of: ({ delivered_at: at }) => at },
  { title: 'error', of: ({ error }) => error },
]

const letterColumns: readonly Column<KeptLetter>[] = [
  { title: 'sink', of: ({ sink }) => sink },
  { title: 'table', of: ({ table }) => table },
  { title: 'row', of: ({ row }) => row },
  { title: 'at', of: ({ at }) => at },
  { title: 'tries', align: 'right', of: ({ attempts }) => attempts },
  { title: 'reason', of: ({ reason }) => reason },
]
const PAGE = 500
