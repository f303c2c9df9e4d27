import assert from 'node:assert/strict'
import { copyFileSync, renameSync, rmSync } from 'node:fs'
import { test } from 'node:test'
import Database from 'better-sqlite3'
import { deviceLookup } from '../../src/access/device-lookup.ts'
import { SallyportError } from '../../src/core/errors.ts'
import { databasePath } from '../../src/store/open.ts'
import { deviceRoom } from '../support/devices.ts'
import { tempFolder } from '../support/temp.ts'

test('what another connection does to a device is seen at once', () => {
  const { dir, devices, clock, enroll } = deviceRoom()
  const lookup = deviceLookup({ dir, now: () => clock.now })
  assert.equal(lookup.deviceOf('laptop-7'), undefined)
  const first = enroll({ id: 'laptop-7' })
  assert.deepEqual(lookup.deviceOf('laptop-7')?.publicKey, first)
  const second = Buffer.alloc(32, 2)
  devices.rotate('laptop-7', second, { overlapMs: 1_000 })
  const rotated = lookup.deviceOf('laptop-7')
  assert.deepEqual(rotated?.publicKey, second)
  assert.deepEqual(rotated.previous, { publicKey: first, until: clock.now + 1_000 })
  devices.revoke('laptop-7')
  assert.equal(lookup.deviceOf('laptop-7')?.revoked, true)
  assert.equal(lookup.deviceOf('laptop-7')?.previous, null)
  lookup.close()
})

test('ids are compared letter by letter', () => {
  const { dir, clock, enroll } = deviceRoom()
  enroll({ id: 'laptop-7' })
  const lookup = deviceLookup({ dir, now: () => clock.now })
  for (const id of ['Laptop-7', 'laptop-7 ', 'laptop-7\0', 'laptop-%', '', "' OR 1 --"])
    assert.equal(lookup.deviceOf(id), undefined)
  lookup.close()
})

test('when a device was seen is written down, the latest only', () => {
  const { dir, devices, clock, enroll, time } = deviceRoom()
  enroll({ id: 'a' })
  enroll({ id: 'b' })
  const lookup = deviceLookup({ dir, now: () => clock.now })
  lookup.seen('a')
  clock.now += 5
  lookup.seen('a')
  lookup.seen('nobody')
  lookup.close()
  assert.deepEqual(
    devices.list().map(({ lastSeen }) => lastSeen),
    [time(), null],
  )
})

test('a ledger in the place of another is found within a second, also when the clock goes back', () => {
  for (const step of [1_000, -1]) {
    const { dir, clock, enroll } = deviceRoom()
    enroll({ id: 'a' })
    const lookup = deviceLookup({ dir, now: () => clock.now })
    assert.notEqual(lookup.deviceOf('a'), undefined)
    const other = deviceRoom()
    other.enroll({ id: 'b' })
    other.devices.close()
    const copy = `${databasePath(dir)}.new`
    copyFileSync(databasePath(other.dir), copy)
    for (const end of ['-wal', '-shm']) rmSync(databasePath(dir) + end, { force: true })
    renameSync(copy, databasePath(dir))
    clock.now += step
    assert.deepEqual([lookup.deviceOf('a'), lookup.deviceOf('b')?.id], [undefined, 'b'])
    lookup.close()
  }
})

test('devices that cannot be read are an error, and are read again when they can', () => {
  const { dir, clock, enroll } = deviceRoom()
  const lookup = deviceLookup({ dir: tempFolder('none'), now: () => clock.now })
  assert.throws(() => lookup.deviceOf('a'), isError('ledger_unavailable'))
  enroll({ id: 'a' })
  const db = new Database(databasePath(dir))
  const damaged = deviceLookup({ dir, now: () => clock.now })
  db.exec(`UPDATE devices SET expires = 'never'`)
  assert.throws(() => damaged.deviceOf('a'), isError('ledger_corrupt'))
  db.exec('ALTER TABLE devices RENAME TO gone')
  assert.throws(() => damaged.deviceOf('a'))
  db.exec('ALTER TABLE gone RENAME TO devices')
  db.exec(`UPDATE devices SET expires = '2030-01-01T00:00:00.000Z'`)
  assert.equal(damaged.deviceOf('a')?.id, 'a')
  damaged.close()
  lookup.close()
  db.close()
})

const isError = (code: SallyportError['code']) => (thrown: unknown) =>
  thrown instanceof SallyportError && thrown.code === code
