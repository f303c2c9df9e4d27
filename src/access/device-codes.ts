import { databasePath, openStoreForReading, orStoreError } from '../store/open.ts'
import type { Store } from '../store/open.ts'
import type { DeviceSettings } from './device-settings.ts'

/** A row of the table `device_codes`: `public_key` is that of the code, from which nobody gets the code. */
export type CodeRow = {
  readonly public_key: Buffer
  readonly device: string
  readonly owner: string | null
  readonly policies: string
  readonly created: string
  readonly until: string
  readonly device_expires: string
  readonly redeemed: string | null
}

/** The public key of the code for a device, for as long as it is good; also of one that was redeemed. Changes nothing. */
export function readCodeKey(options: {
  readonly dir: string
  readonly device: string
  readonly at: string
}): Buffer | undefined {
  const { dir, device, at } = options
  return orStoreError(databasePath(dir), () => {
    const db = openStoreForReading({ dir })
    try {
      return deviceCodes(db).of(device, at)?.public_key
    } finally {
      db.close()
    }
  })
}

/** The one-time codes of an open store, at most one for each device. All of it runs inside transactions of the caller. */
export function deviceCodes(db: Store): {
  /** The code for a device that has not ended; one that was redeemed is given too. */
  readonly of: (device: string, at: string) => CodeRow | undefined
  /** Takes the place of an earlier one for the device. */
  readonly put: (code: {
    readonly key: Uint8Array
    readonly settings: Omit<DeviceSettings, 'notBefore'>
    readonly at: string
    readonly until: string
  }) => void
  readonly spend: (device: string, at: string) => void
  readonly end: (device: string) => void
} {
  const end = (device: string): void => void db.prepare('DELETE FROM device_codes WHERE device = ?').run(device)
  return {
    of: (device, at) =>
      db
        .prepare<[string, string], CodeRow>('SELECT * FROM device_codes WHERE device = ? AND until > ?')
        .get(device, at),
    put({ key, settings, at, until }) {
      end(settings.id)
      db.prepare('DELETE FROM device_codes WHERE until <= ?').run(at)
      const { id, owner, policies, expires } = settings
      db.prepare(insertCode).run(key, id, owner, JSON.stringify(policies), at, until, expires)
    },
    spend: (device, at) => void db.prepare('UPDATE device_codes SET redeemed = ? WHERE device = ?').run(at, device),
    end,
  }
}

const insertCode =
  'INSERT INTO device_codes (public_key, device, owner, policies, created, until, device_expires) VALUES (?, ?, ?, ?, ?, ?, ?)'
