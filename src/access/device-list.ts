import { databasePath, openStoreForReading, orStoreError } from '../store/open.ts'
import type { Store } from '../store/open.ts'
import { deviceOf } from './device.ts'
import type { Device, DeviceRow } from './device.ts'

/** The devices of a data folder that has a ledger, in the order of their ids, as they stand at a time. Changes nothing. */
export function readDevices({ dir, at }: { readonly dir: string; readonly at: string }): Device[] {
  return orStoreError(databasePath(dir), () => {
    const db = openStoreForReading({ dir })
    try {
      return devicesIn(db, at)
    } finally {
      db.close()
    }
  })
}

/** The same of an open store. */
export function devicesIn(db: Store, at: string): Device[] {
  const rows = db.prepare<[], DeviceRow>('SELECT * FROM devices ORDER BY id').all()
  return rows.map((row) => deviceOf(row, at))
}
