import { setTimeout } from 'node:timers/promises'
import { writeBriefly } from '../../store/brief-write.ts'
import type { Store } from '../../store/open.ts'

/**
 * Gives free pages of the database back to the file system, few at a time, until no more than `slack` (a part of all pages) are free: rows that come
 * use those. Answers whether it could: a database that was made without auto_vacuum has to be compacted once.
 */
export async function shrink(db: Store, slack: number, signal: AbortSignal): Promise<boolean> {
  const count = (name: string): number => Number(db.pragma(name, { simple: true }))
  const surplus = (): number =>
    count('freelist_count') - (slack === 0 ? 0 : Math.max(LEAST_PAGES, Math.floor(slack * count('page_count'))))
  if (surplus() <= 0) return true
  if (count('auto_vacuum') !== INCREMENTAL) return false
  let pages = FIRST_PAGES
  for (let left = surplus(); left > 0 && !signal.aborted; left = surplus()) {
    let began = 0
    writeBriefly(db, () => {
      began = performance.now()
      db.pragma(`incremental_vacuum(${Math.min(pages, left)})`)
    })
    const lockMs = performance.now() - began
    pages = lockMs > 4 ? Math.max(8, pages >> 1) : lockMs < 2 ? Math.min(1_024, 2 * pages) : pages
    // Nothing to be had: SQLite needs what is left for itself.
    if (surplus() >= left) break
    await setTimeout(Math.max(1, 3 * lockMs), undefined, { signal }).catch(() => undefined)
  }
  // Only a checkpoint of the write-ahead log makes the file itself shorter.
  db.pragma('wal_checkpoint(PASSIVE)')
  return true
}

/** Writes the database anew, as small as it can be, and able to shrink from then on. Nobody else can write meanwhile. */
export function compact(db: Store): void {
  db.pragma(`auto_vacuum = ${INCREMENTAL}`)
  // In WAL mode VACUUM keeps the page size and takes auto_vacuum as it was set.
  db.exec('VACUUM')
  db.pragma('wal_checkpoint(TRUNCATE)')
}

const INCREMENTAL = 2
const LEAST_PAGES = 1_024
const FIRST_PAGES = 32
