import { randomBytes } from 'node:crypto'
import { openDevices, type Devices } from '../../src/access/devices.ts'
import { deviceSettings, type DeviceSettings } from '../../src/access/device-settings.ts'
import { tempFolder } from './temp.ts'

export type DeviceRoom = {
  readonly dir: string
  readonly devices: Devices
  /** A clock that stands until it is set. */
  readonly clock: { now: number }
  /** The clock's time, or so many milliseconds later. */
  readonly time: (ms?: number) => string
  readonly settings: (some: Partial<DeviceSettings> & { readonly id: string }) => DeviceSettings
  /** Enrols a device; gives its key. */
  readonly enroll: (some: Partial<DeviceSettings> & { readonly id: string }) => Buffer
}

/** The devices of a new data folder. Keys are random bytes: that they are keys is no matter of the store. */
export function deviceRoom(): DeviceRoom {
  const dir = tempFolder('devices')
  const clock = { now: Date.UTC(2026, 0, 1) }
  const devices = openDevices({ dir, durability: 'crash', who: 'tester', now: () => clock.now })
  const time = (ms = 0): string => new Date(clock.now + ms).toISOString()
  const settings: DeviceRoom['settings'] = (some) =>
    deviceSettings.parse({ notBefore: time(), expires: time(DAY), ...some })
  return {
    dir,
    devices,
    clock,
    time,
    settings,
    enroll: (some) => {
      const key = randomBytes(32)
      const outcome = devices.enroll(settings(some), key)
      if (outcome.kind !== 'made') throw new Error(`the device was not enrolled: ${outcome.kind}`)
      return key
    },
  }
}

const DAY = 86_400_000
