import { cursorsOf, type KeptLetter } from '../audit/export/cursors.ts'
import { type SinkState, sinkStates } from '../audit/export/states.ts'
import { openStoreForReading, type Store } from '../store/open.ts'
import { type Place, sinkNamed } from './audit-export-place.ts'
import { type Column, printJson, printTable } from './output.ts'

/** Prints where each sink stands: those configured, and those that once were and still have a cursor. */
export async function printStatus({ config, io, json }: Place): Promise<number> {
  const states = withStore(config.data.dir, (db) => sinkStates(db, config.audit.export, Date.now()))
  if (json) await printJson(io, ...states)
  else await printTable(io, stateColumns, states)
  return 0
}

/** Prints the rows that sinks refused, oldest first. Throws `config_invalid` for a sink that is not there and never was. */
export async function listLetters(place: Place, sink: string | undefined): Promise<number> {
  const { config, io, json } = place
  const cursors = withStore(config.data.dir, (db) => cursorsOf(db, Date.now).all())
  if (sink !== undefined && !cursors.some(({ name }) => name === sink)) sinkNamed(place, sink)
  let last = 0
  for (;;) {
    const letters = withStore(config.data.dir, (db) => cursorsOf(db, Date.now).letters(sink, last, PAGE))
    if (letters.length === 0) return 0
    if (json) await printJson(io, ...letters)
    else await printTable(io, letterColumns, letters)
    last = letters.at(-1)?.seq ?? last
  }
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
