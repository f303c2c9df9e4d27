import type { Chore, ChoreContext } from '../keeper/chores.ts'
import { makeCheckpoint } from './checkpoints.ts'

/** Signs the chain at intervals and at the end, when something was written. */
export function checkpointChore({ db, settings, now, figure }: ChoreContext): Chore {
  const make = (reason: 'interval' | 'shutdown'): void => {
    const made = makeCheckpoint(db, { dir: settings.dir, reason, now: now() })
    if (made !== undefined) figure('ledger_checkpoint_timestamp_seconds', Date.parse(made.at) / 1_000)
  }
  return {
    name: 'checkpoint',
    everyMs: settings.checkpointSeconds * 1_000,
    run: () => make('interval'),
    last: () => make('shutdown'),
  }
}
