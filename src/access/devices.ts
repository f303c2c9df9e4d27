import { newEventId } from '../core/ids.ts'
import { writeBriefly } from '../store/brief-write.ts'
import type { EventKind } from '../store/event-kinds.ts'
import { insertEvent } from '../store/events.ts'
import { databasePath, openStore, storeError } from '../store/open.ts'
import type { Durability, Store } from '../store/open.ts'
import { deviceCodes } from './device-codes.ts'
import type { CodeRow } from './device-codes.ts'
import { devicesIn } from './device-list.ts'
import { deviceOf } from './device.ts'
import type { Device, DeviceRow } from './device.ts'
import type { DeviceSettings } from './device-settings.ts'

/** The devices of a data folder, for those who manage them. Every change leaves an event in the same transaction. Keys are 32 bytes. */
export type Devices = {
  /** One that was revoked, with another key, or has expired may be enrolled anew. */
  readonly enroll: (settings: DeviceSettings, publicKey: Uint8Array) => Enrolled
  /**
   * A code, known by its public key, with which the device enrols itself until then. For a device that is enrolled, `renews` says so: it
   * then gets a new key and this end. An earlier code for the device ends.
   */
  readonly makeCode: (code: NewCode) => { kind: 'made' } | Taken | Ended
  /** By whoever has proved to have the code and the key. Doing the same again changes nothing. `from`: their address. */
  readonly redeem: (redeemed: Redeemed) => Enrolled | NotFound
  /** In the order of their ids. */
  readonly list: () => Device[]
  /** Ends a device, and a code for it, at once. One that is revoked already is left as it is. */
  readonly revoke: (id: string) => Revoked | NotFound
  /** A new key. The old one ends at once, or is good for `overlapMs` more; the one before it ends in any case. */
  readonly rotate: (id: string, publicKey: Uint8Array, change: Rotation) => Enrolled | Ended
  readonly close: () => void
}

export type Enrolled = { readonly kind: 'made'; readonly device: Device } | Taken | KeyTaken
/** A device of this id is enrolled. */
export type Taken = { readonly kind: 'taken' }
/** The key is, or was, another device's or this one's own. */
export type KeyTaken = { readonly kind: 'key-taken' }
/** No device where there was only a code. */
export type Revoked = { readonly kind: 'revoked'; readonly device: Device | null }
export type NotFound = { readonly kind: 'none' }
/** It is not there, or its time is over. */
export type Ended = NotFound | { readonly kind: 'ended'; readonly device: Device }

export type Rotation = { readonly overlapMs: number; readonly expires?: string | undefined }
export type Redeemed = {
  readonly device: string
  readonly codeKey: Uint8Array
  readonly publicKey: Uint8Array
  readonly from: string
}
export type NewCode = {
  readonly key: Uint8Array
  readonly until: string
} & (
  | { readonly settings: DeviceSettings }
  | { readonly renews: { readonly id: string; readonly expires?: string | undefined } }
)

export type DevicesOptions = {
  /** The data folder. */
  readonly dir: string
  readonly durability: Durability
  /** Who acts, for the events. */
  readonly who: string
  readonly now: () => number
}

export function openDevices(options: DevicesOptions): Devices {
  const { dir } = options
  const db = openStore({ dir, durability: options.durability })
  const at = (): string => new Date(options.now()).toISOString()
  const room: Room = {
    db,
    at,
    codes: deviceCodes(db),
    soon: (ms) => new Date(options.now() + ms).toISOString(),
    note(what, subject, before, after) {
      const now = options.now()
      const [was, is] = [before, after].map((facts) => (facts === null ? null : JSON.stringify(facts)))
      const event = { id: newEventId(now), at: at(), who: options.who, what, subject }
      insertEvent(db, { ...event, before: was ?? null, after: is ?? null })
    },
  }
  const change = <T>(run: () => T): T => {
    try {
      return writeBriefly(db, run)
    } catch (thrown) {
      throw storeError(databasePath(dir), thrown)
    }
  }
  return {
    enroll: (settings, publicKey) => change(() => withoutCode(room, settings.id, enroll(room, settings, publicKey))),
    makeCode: (code) => change(() => makeCode(room, code)),
    redeem: (redeemed) => change(() => redeem(room, redeemed)),
    list: () => devicesIn(db, at()),
    revoke: (id) => change(() => revoke(room, id)),
    rotate: (id, publicKey, rotation) => change(() => withoutCode(room, id, rotate(room, id, publicKey, rotation))),
    close: () => void db.close(),
  }
}

type Room = {
  readonly db: Store
  readonly codes: ReturnType<typeof deviceCodes>
  readonly at: () => string
  readonly soon: (ms: number) => string
  readonly note: (what: EventKind, subject: string, before: object | null, after: object) => void
}

function enroll(room: Room, settings: DeviceSettings, publicKey: Uint8Array, by: object = {}): Enrolled {
  const { db, at, note } = room
  const before = read(room, settings.id)
  if (before !== undefined && isEnrolled(before)) return { kind: 'taken' }
  const own = before?.state === 'expired' ? settings.id : undefined
  if (isKnownKey(db, publicKey, own)) return { kind: 'key-taken' }
  const { id, owner, policies, notBefore, expires } = settings
  db.prepare(putDevice).run({
    id,
    owner,
    policies: JSON.stringify(policies),
    key: publicKey,
    at: at(),
    from: notBefore,
    expires,
  })
  const device = read(room, id) as Device
  note('device.enroll', id, before ?? null, { ...device, ...by })
  return { kind: 'made', device }
}

function makeCode(room: Room, code: NewCode): { kind: 'made' } | Taken | Ended {
  const { key, until } = code
  const renews = 'renews' in code
  const id = renews ? code.renews.id : code.settings.id
  const device = read(room, id)
  if (renews && device === undefined) return { kind: 'none' }
  if (renews && !isEnrolled(device as Device)) return { kind: 'ended', device: device as Device }
  if (!renews && device !== undefined && isEnrolled(device)) return { kind: 'taken' }
  const settings = renews ? { ...(device as Device), ...given(code.renews) } : code.settings
  room.codes.put({ key, settings: { ...settings, policies: [...settings.policies] }, at: room.at(), until })
  const { owner, policies, expires } = settings
  room.note('device.code', id, null, { id, owner, policies, expires, until, renews })
  return { kind: 'made' }
}

function redeem(room: Room, { device: id, codeKey, publicKey, from }: Redeemed): Enrolled | NotFound {
  const code = room.codes.of(id, room.at())
  if (code === undefined || !code.public_key.equals(codeKey)) return { kind: 'none' }
  const device = read(room, id)
  if (code.redeemed !== null) {
    const again = device !== undefined && isEnrolled(device) && device.publicKey === textOf(publicKey)
    return again ? { kind: 'made', device } : { kind: 'none' }
  }
  const by = { by: 'code', from }
  const outcome =
    device !== undefined && isEnrolled(device)
      ? rotate(room, id, publicKey, { overlapMs: RENEWAL_OVERLAP_MS, expires: code.device_expires }, by)
      : enroll(room, settingsOf(code, room.at()), publicKey, by)
  if (outcome.kind === 'ended') return { kind: 'none' }
  // It stays until its end, so that who did not hear the answer may ask again.
  if (outcome.kind === 'made') room.codes.spend(id, room.at())
  return outcome
}

function revoke(room: Room, id: string): Revoked | NotFound {
  const before = read(room, id)
  const hadCode = room.codes.of(id, room.at())?.redeemed === null
  room.codes.end(id)
  if (before !== undefined && before.state !== 'revoked') room.db.prepare(revokeDevice).run({ id, at: room.at() })
  else if (!hadCode) return before === undefined ? { kind: 'none' } : { kind: 'revoked', device: before }
  const device = read(room, id) ?? null
  room.note('device.revoke', id, { ...before, code: hadCode }, { ...device, code: false })
  return { kind: 'revoked', device }
}

function rotate(
  room: Room,
  id: string,
  publicKey: Uint8Array,
  { overlapMs, expires }: Rotation,
  by: object = {},
): Enrolled | Ended {
  const before = read(room, id)
  if (before === undefined) return { kind: 'none' }
  if (!isEnrolled(before)) return { kind: 'ended', device: before }
  if (isKnownKey(room.db, publicKey)) return { kind: 'key-taken' }
  const until = overlapMs > 0 ? room.soon(overlapMs) : null
  room.db.prepare(rotateKey).run({ id, key: publicKey, until, expires: expires ?? before.expires })
  const device = read(room, id) as Device
  room.note('device.rotate', id, before, { ...device, ...by })
  return { kind: 'made', device }
}

function read({ db, at }: Room, id: string): Device | undefined {
  const row = db.prepare<[string], DeviceRow>('SELECT * FROM devices WHERE id = ?').get(id)
  return row === undefined ? undefined : deviceOf(row, at())
}

/** Whether a device has, or just had, this key; `own`: the one that may. */
function isKnownKey(db: Store, publicKey: Uint8Array, own = ''): boolean {
  const sql = 'SELECT 1 FROM devices WHERE (public_key = @key OR old_public_key = @key) AND id <> @own'
  return db.prepare(sql).get({ key: publicKey, own }) !== undefined
}

/** What an operator did to a device himself is not undone by a code from before. */
function withoutCode<T extends { readonly kind: string }>(room: Room, id: string, outcome: T): T {
  if (outcome.kind === 'made') room.codes.end(id)
  return outcome
}

const isEnrolled = ({ state }: Device): boolean => state === 'active' || state === 'pending'

const textOf = (key: Uint8Array): string => Buffer.from(key).toString('base64url')

const given = ({ expires }: { expires?: string | undefined }): { expires?: string } =>
  expires === undefined ? {} : { expires }

function settingsOf(code: CodeRow, at: string): DeviceSettings {
  const { device: id, owner, policies, device_expires: expires } = code
  return { id, owner, policies: JSON.parse(policies) as string[], notBefore: at, expires }
}

/** A device that renews its key with a code signs with the old one until it has been told of the new. */
export const RENEWAL_OVERLAP_MS = 86_400_000

const putDevice = `INSERT INTO devices (id, owner, state, public_key, policies, created, not_before, expires)
  VALUES (@id, @owner, 'active', @key, @policies, @at, @from, @expires)
  ON CONFLICT (id) DO UPDATE SET owner = @owner, state = 'active', public_key = @key, old_public_key = NULL, old_until = NULL,
    policies = @policies, created = @at, not_before = @from, expires = @expires, revoked = NULL, last_seen = NULL`
const revokeDevice = `UPDATE devices SET state = 'revoked', revoked = @at, old_public_key = NULL, old_until = NULL WHERE id = @id`
const rotateKey = `UPDATE devices SET old_public_key = iif(@until IS NULL, NULL, public_key), old_until = @until, public_key = @key, expires = @expires
  WHERE id = @id`
