import type { Statement } from 'better-sqlite3'
import { SallyportError } from '../core/errors.ts'
import { identityOf } from '../store/identity.ts'
import { databasePath, openStoreForReading, storeError } from '../store/open.ts'
import type { Store } from '../store/open.ts'
import { knownDevice } from './device.ts'
import type { KnownDevice, KnownRow } from './device.ts'
import { lastUses } from './last-uses.ts'

export type DeviceLookup = {
  /**
   * Read from the database each time: what any process does to a device holds for the next connection in every process. Throws
   * `ledger_unavailable` or `ledger_corrupt` when it cannot be read: then nothing is known of the device.
   */
  readonly deviceOf: (id: string) => KnownDevice | undefined
  /** Written down some seconds later; it never waits for the database. */
  readonly seen: (id: string) => void
  readonly close: () => void
}

/** The devices of a data folder, for those who verify. A file of the ledger that takes the place of another is found within a second. */
export function deviceLookup(options: { readonly dir: string; readonly now: () => number }): DeviceLookup {
  const { dir, now } = options
  const path = databasePath(dir)
  const uses = lastUses({ dir, of: 'devices' })
  let open: Open | undefined
  const close = (): void => {
    open?.db.close()
    open = undefined
  }
  const current = (): Open => {
    const at = now()
    if (open !== undefined && (at < open.checkedAt || at - open.checkedAt >= CHECK_MS)) {
      if (identityOf(path) === open.identity) open.checkedAt = at
      else close()
    }
    return (open ??= opened(dir, at))
  }
  return {
    deviceOf(id) {
      try {
        const row = current().byId.get(id)
        return row === undefined ? undefined : knownDevice(row)
      } catch (thrown) {
        if (!(thrown instanceof SallyportError)) close()
        throw storeError(path, thrown)
      }
    },
    seen: (id) => uses.note(id, new Date(now()).toISOString()),
    close() {
      uses.close()
      close()
    },
  }
}

type Open = {
  readonly db: Store
  readonly byId: Statement<[string], KnownRow>
  readonly identity: string | undefined
  checkedAt: number
}

function opened(dir: string, checkedAt: number): Open {
  // Before it is opened: a file that comes between is found at the next check.
  const identity = identityOf(databasePath(dir))
  const db = openStoreForReading({ dir })
  try {
    // Readers of a WAL wait for nobody but one who mends it.
    db.pragma(`busy_timeout = ${BUSY_MS}`)
    const byId = db.prepare<[string], KnownRow>(select)
    return { db, byId, identity, checkedAt }
  } catch (thrown) {
    db.close()
    throw thrown
  }
}

const select = `SELECT id, state, public_key, old_public_key, old_until, policies, not_before, expires FROM devices WHERE id = ?`
const CHECK_MS = 1_000
const BUSY_MS = 100
