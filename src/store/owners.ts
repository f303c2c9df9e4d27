import { rmSync } from 'node:fs'
import { type Lease, takeLease } from './lease.ts'
import { makePrivateFolder, type Store } from './open.ts'
import { isAlive, ownerLock, ownersFolder } from './owner-locks.ts'

/** A process that has rows of its own in the store, for as long as it lives. */
export type Owner = {
  readonly id: number
  /** Lets go of the mark of life: to others this owner is dead from now on. */
  readonly release: () => void
}

/**
 * Registers this process as an owner of rows. Its mark of life is a lock on `dir/owners/ID`, which the system drops when the
 * process ends, however it ends; unlike a process id it cannot be taken over by a stranger, and it holds across containers
 * that share the folder.
 */
export function claimOwner(db: Store, dir: string, pid: number): Owner {
  makePrivateFolder(ownersFolder(dir))
  let lock: Lease | undefined
  const claim = db.transaction(() => {
    const insert = db.prepare('INSERT INTO processes (pid) VALUES (?)')
    const remove = db.prepare('DELETE FROM processes WHERE id = ?')
    for (;;) {
      const id = Number(insert.run(pid).lastInsertRowid)
      // Locked before the row can be seen: nobody finds an owner that is not yet alive.
      lock = takeLease(ownerLock(dir, id))
      if (lock !== undefined) return id
      // A new database counts from 1 again; who was registered in the one before may still hold the number.
      remove.run(id)
    }
  })
  const id = claim.immediate()
  return { id, release: () => lock?.release() }
}

/** The ids of owners that are registered and no longer live; only those of `among` when given. */
export function deadOwners(db: Store, dir: string, among?: number): number[] {
  const ids = db.prepare<[], number>('SELECT id FROM processes ORDER BY id').pluck().all()
  return ids.filter((id) => (among === undefined || id === among) && !isAlive(dir, id))
}

/** Takes a dead owner off the register. */
export function forgetOwner(db: Store, dir: string, id: number): void {
  db.prepare('DELETE FROM processes WHERE id = ?').run(id)
  rmSync(ownerLock(dir, id), { force: true })
}
