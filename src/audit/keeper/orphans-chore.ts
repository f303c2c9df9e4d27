import { newEventId } from '../../core/ids.ts'
import { writeBriefly } from '../../store/brief-write.ts'
import { insertEvent } from '../../store/events.ts'
import type { Chore, ChoreContext } from './chores.ts'
import { type Orphans, sweepOrphans } from './orphans.ts'

/** Sweeps at the start and daily. What was removed, and what is newly missing, is told in log, metrics and an event. */
export function orphansChore({ settings, db, now, notice, figure, count }: ChoreContext): Chore {
  let told = 0

  async function run(signal: AbortSignal): Promise<void> {
    const found = await sweepOrphans({ db, dir: settings.dir, now: now() }, signal)
    if (signal.aborted) return
    figure('ledger_missing_files', found.missingCount)
    count('ledger_orphans_total', found.removed)
    if (found.removed === 0 && found.missingCount <= told) return
    told = found.missingCount
    notice(found.missingCount > 0 ? 'error' : 'info', 'body files and rows did not fit together', { ...found })
    record(found)
  }

  function record(found: Orphans): void {
    const time = now()
    const [id, at] = [newEventId(time), new Date(time).toISOString()]
    const what = 'ledger.orphans'
    writeBriefly(db, () =>
      insertEvent(db, { id, at, who: 'sallyport', what, before: null, after: JSON.stringify(found) }),
    )
  }

  return { name: 'orphans', everyMs: 86_400_000, run }
}
