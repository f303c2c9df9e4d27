import { deadOwners, forgetOwner } from '../store/owners.ts'
import type { Store } from '../store/open.ts'

/**
 * Marks what dead processes left open as `lost` and takes them off the register; rows of the living are not touched. With `owner`
 * only that one, when it is dead: for a parent whose worker has ended. Answers how many exchanges were lost.
 */
export function markLost(db: Store, dir: string, owner?: number): number {
  const mark = db.prepare(`UPDATE exchanges SET state = 'lost' WHERE owner = ? AND state = 'open'`)
  const run = db.transaction(() => {
    let lost = 0
    for (const id of deadOwners(db, dir, owner)) {
      lost += mark.run(id).changes
      forgetOwner(db, dir, id)
    }
    return lost
  })
  return run.immediate()
}
