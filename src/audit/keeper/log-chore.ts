import type { Chore, ChoreContext } from './chores.ts'

type Log = { readonly log: number; readonly checkpointed: number }

/**
 * Moves what is in the write-ahead log to the database, so that the writers' threads need not: that syncs the disk twice, and rows would wait for it.
 * Readers and writers go on meanwhile. Without a keeper the writers do it themselves, later: see `pragmasFor`.
 */
export function logChore({ db }: Pick<ChoreContext, 'db'>): Chore {
  return {
    name: 'log',
    everyMs: 200,
    run() {
      const [state] = db.pragma('wal_checkpoint(NOOP)') as Log[]
      if (state !== undefined && state.log - state.checkpointed >= PAGES) db.pragma('wal_checkpoint(PASSIVE)')
    },
  }
}

const PAGES = 1_000
