import { newEventId } from '../core/ids.ts'
import { chainColumnsSql, chainOf, type ChainValue, digestOf, entryKinds } from '../store/chain.ts'
import { addEvent, type EventRow } from '../store/events.ts'
import { deadOwners, forgetOwner } from '../store/owners.ts'
import type { Store } from '../store/open.ts'

/**
 * Marks what dead processes left open as `lost` and takes them off the register; rows of the living are not touched. That there were dead
 * ones is an event, in the same transaction. Answers how many exchanges were lost.
 */
export function markLost(db: Store, dir: string): number {
  return mark(db, dir, undefined)
}

/** The same for one owner that ends in order: nothing to tell. */
export function markLeft(db: Store, dir: string, owner: number): number {
  return mark(db, dir, owner)
}

function mark(db: Store, dir: string, owner: number | undefined): number {
  const lose = db
    .prepare<[number, number], [number, ...ChainValue[]]>(
      `UPDATE exchanges SET state = 'lost', block = ? WHERE owner = ? AND state = 'open' RETURNING seq, ${chainColumnsSql('exchanges')}`,
    )
    .raw()
  const about = db.prepare<[number], { pid: number; started: string }>(
    'SELECT pid, started FROM processes WHERE id = ?',
  )
  const at = new Date().toISOString()
  const run = db.transaction(() =>
    chainOf(db).write(at, (block) => {
      let lost = 0
      const dead = deadOwners(db, dir, owner).map((id) => ({ id, ...about.get(id) }))
      for (const { id } of dead) {
        for (const [seq, ...values] of lose.all(block.n, id)) {
          block.add(entryKinds.lost, seq, digestOf('exchanges', values))
          lost += 1
        }
        forgetOwner(db, dir, id)
      }
      if (owner === undefined && dead.length > 0) addEvent(db, block, unclean(at, dead, lost))
      return lost
    }),
  )
  return run.immediate()
}

function unclean(at: string, dead: readonly object[], exchanges: number): EventRow {
  const [before, after] = [{ processes: dead.slice(0, MOST_TOLD) }, { processes: dead.length, exchanges }]
  return {
    id: newEventId(Date.parse(at)),
    at,
    who: 'sallyport',
    what: 'program.unclean',
    before: JSON.stringify(before),
    after: JSON.stringify(after),
  }
}

const MOST_TOLD = 100
