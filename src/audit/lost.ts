import { chainColumnsSql, chainOf, type ChainValue, digestOf, entryKinds } from '../store/chain.ts'
import { deadOwners, forgetOwner } from '../store/owners.ts'
import type { Store } from '../store/open.ts'

/**
 * Marks what dead processes left open as `lost` and takes them off the register; rows of the living are not touched. With `owner`
 * only that one, when it is dead: for a parent whose worker has ended. Answers how many exchanges were lost.
 */
export function markLost(db: Store, dir: string, owner?: number): number {
  const mark = db
    .prepare<[number, number], [number, ...ChainValue[]]>(
      `UPDATE exchanges SET state = 'lost', block = ? WHERE owner = ? AND state = 'open' RETURNING seq, ${chainColumnsSql('exchanges')}`,
    )
    .raw()
  const run = db.transaction(() =>
    chainOf(db).write(new Date().toISOString(), (block) => {
      let lost = 0
      for (const id of deadOwners(db, dir, owner)) {
        for (const [seq, ...values] of mark.all(block.n, id)) {
          block.add(entryKinds.lost, seq, digestOf('exchanges', values))
          lost += 1
        }
        forgetOwner(db, dir, id)
      }
      return lost
    }),
  )
  return run.immediate()
}
