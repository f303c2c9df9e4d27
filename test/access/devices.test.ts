import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { readCodeKey } from '../../src/access/device-codes.ts'
import { deviceLookup } from '../../src/access/device-lookup.ts'
import { RENEWAL_OVERLAP_MS } from '../../src/access/devices.ts'
import { deviceSettings } from '../../src/access/device-settings.ts'
import { openStore } from '../../src/store/open.ts'
import { deviceRoom, type DeviceRoom } from '../support/devices.ts'

type Event = { who: string; what: string; subject: string; before: string | null; after: string | null }

function eventsOf(dir: string): Event[] {
  const db = openStore({ dir, durability: 'crash' })
  const rows = db.prepare<[], Event>('SELECT who, what, subject, "before", "after" FROM events ORDER BY seq').all()
  db.close()
  return rows
}

const kinds = (dir: string): string[] => eventsOf(dir).map(({ what }) => what)

/** Makes a code for a device that is not enrolled; gives its key. */
function coded({ devices, settings, time }: DeviceRoom, id: string): Buffer {
  const key = randomBytes(32)
  assert.deepEqual(devices.makeCode({ key, until: time(1_000), settings: settings({ id }) }), { kind: 'made' })
  return key
}

const from = '192.0.2.1'

test('a device is kept as it was wished', () => {
  const { devices, time, enroll } = deviceRoom()
  const wished = { id: 'laptop-7', owner: 'ann', policies: ['00'.repeat(32)], notBefore: time(5), expires: time(9) }
  const key = enroll(wished)
  const none = { revoked: null, overlap: null, lastSeen: null }
  const publicKey = key.toString('base64url')
  assert.deepEqual(devices.list(), [{ ...wished, ...none, state: 'pending', publicKey, created: time() }])
})

test('an id is taken until its device was revoked or has expired', () => {
  const { devices, clock, settings, enroll, time } = deviceRoom()
  const again = (id: string) => devices.enroll(settings({ id }), randomBytes(32)).kind
  enroll({ id: 'revoked' })
  enroll({ id: 'expired', expires: time(1_000) })
  enroll({ id: 'pending', notBefore: time(5_000) })
  assert.deepEqual(['revoked', 'expired', 'pending'].map(again), ['taken', 'taken', 'taken'])
  devices.revoke('revoked')
  clock.now += 1_000
  assert.deepEqual(['revoked', 'expired', 'pending'].map(again), ['made', 'made', 'taken'])
  assert.deepEqual(
    devices.list().map(({ id, state, revoked }) => [id, state, revoked]),
    [
      ['expired', 'active', null],
      ['pending', 'pending', null],
      ['revoked', 'active', null],
    ],
  )
})

test('a key is of one device, and that of a revoked one does not come back', () => {
  const { devices, clock, settings, enroll, time } = deviceRoom()
  const first = enroll({ id: 'a', expires: time(9_000) })
  const second = randomBytes(32)
  devices.rotate('a', second, { overlapMs: 1_000 })
  for (const key of [first, second]) assert.equal(devices.enroll(settings({ id: 'b' }), key).kind, 'key-taken')
  for (const key of [first, second]) assert.equal(devices.rotate('a', key, { overlapMs: 0 }).kind, 'key-taken')
  devices.revoke('a')
  for (const id of ['a', 'b']) assert.equal(devices.enroll(settings({ id }), second).kind, 'key-taken')
  const third = enroll({ id: 'c', expires: time(9_000) })
  clock.now += 9_000
  assert.equal(devices.enroll(settings({ id: 'd' }), third).kind, 'key-taken')
  assert.equal(devices.enroll(settings({ id: 'c' }), third).kind, 'made')
})

test('rotation gives a new key, with an overlap only where it is wished, and a later end where it is wished', () => {
  const { devices, clock, enroll, time } = deviceRoom()
  enroll({ id: 'a', expires: time(9_000) })
  const rotated = (overlapMs: number, expires?: string) => {
    const outcome = devices.rotate('a', randomBytes(32), { overlapMs, expires })
    return outcome.kind === 'made' ? [outcome.device.overlap, outcome.device.expires] : outcome.kind
  }
  const end = time(9_000)
  assert.deepEqual(rotated(500), [time(500), end])
  assert.deepEqual(rotated(0), [null, end])
  assert.deepEqual(rotated(500, time(20_000)), [time(500), time(20_000)])
  clock.now += 20_000
  assert.equal(rotated(0), 'ended')
  assert.equal(devices.rotate('nobody', randomBytes(32), { overlapMs: 0 }).kind, 'none')
})

test('a revoked device is not rotated, and revoking it again changes nothing', () => {
  const { dir, devices, clock, enroll, time } = deviceRoom()
  enroll({ id: 'a' })
  devices.revoke('a')
  const revoked = time()
  clock.now += 1_000
  assert.equal(devices.rotate('a', randomBytes(32), { overlapMs: 0 }).kind, 'ended')
  const outcome = devices.revoke('a')
  assert.equal(outcome.kind === 'revoked' && outcome.device?.revoked, revoked)
  assert.deepEqual(devices.revoke('b'), { kind: 'none' })
  assert.deepEqual(kinds(dir), ['device.enroll', 'device.revoke'])
})

test('a code enrols its device once, as the operator wished', () => {
  const room = deviceRoom()
  const { dir, devices, settings, clock, time } = room
  const codeKey = randomBytes(32)
  const wished = settings({ id: 'a', owner: 'ann', policies: ['00'.repeat(32)], expires: time(90_000) })
  devices.makeCode({ key: codeKey, until: time(1_000), settings: wished })
  assert.deepEqual(readCodeKey({ dir, device: 'a', at: time() }), codeKey)
  assert.equal(readCodeKey({ dir, device: 'a', at: time(1_000) }), undefined)
  assert.deepEqual(devices.list(), [])
  clock.now += 500
  const publicKey = randomBytes(32)
  const outcome = devices.redeem({ device: 'a', codeKey, publicKey, from })
  assert.ok(outcome.kind === 'made')
  const { id, owner, policies, expires, notBefore, state } = outcome.device
  assert.deepEqual({ id, owner, policies, expires, notBefore }, { ...wished, notBefore: time() })
  assert.equal(state, 'active')
  assert.deepEqual(devices.redeem({ device: 'a', codeKey, publicKey: randomBytes(32), from }), { kind: 'none' })
  assert.deepEqual(devices.redeem({ device: 'a', codeKey, publicKey, from }), outcome)
  assert.deepEqual(kinds(dir), ['device.code', 'device.enroll'])
  const after = JSON.parse(eventsOf(dir)[1]?.after ?? '') as { by: string; from: string }
  assert.deepEqual([after.by, after.from], ['code', from])
})

const ended: [what: string, end: (room: DeviceRoom) => void][] = [
  ['its time is over', ({ clock }) => (clock.now += 1_000)],
  ['another was made', (room) => void coded(room, 'a')],
  ['its device was enrolled by the operator', ({ enroll }) => void enroll({ id: 'a' })],
  ['it was revoked', ({ devices }) => void devices.revoke('a')],
]

for (const [what, end] of ended) {
  test(`a code is worth nothing when ${what}`, () => {
    const room = deviceRoom()
    const codeKey = coded(room, 'a')
    end(room)
    const outcome = room.devices.redeem({ device: 'a', codeKey, publicKey: randomBytes(32), from })
    assert.deepEqual(outcome, { kind: 'none' })
  })
}

test('a code is worth nothing for another device, and a wrong one leaves it as it is', () => {
  const room = deviceRoom()
  const codeKey = coded(room, 'a')
  coded(room, 'b')
  const publicKey = randomBytes(32)
  for (const device of ['b', 'c']) assert.equal(room.devices.redeem({ device, codeKey, publicKey, from }).kind, 'none')
  assert.equal(room.devices.redeem({ device: 'a', codeKey: randomBytes(32), publicKey, from }).kind, 'none')
  const other = room.enroll({ id: 'other' })
  assert.equal(room.devices.redeem({ device: 'a', codeKey, publicKey: other, from }).kind, 'key-taken')
  assert.equal(room.devices.redeem({ device: 'a', codeKey, publicKey, from }).kind, 'made')
})

test('a code that renews gives an enrolled device a new key; the old one is good for a day more', () => {
  const { dir, devices, time, clock, enroll, settings } = deviceRoom()
  const old = enroll({ id: 'a', owner: 'ann', expires: time(5_000) })
  const [key, publicKey] = [randomBytes(32), randomBytes(32)]
  const until = time(1_000)
  assert.equal(devices.makeCode({ key, until, settings: settings({ id: 'a' }) }).kind, 'taken')
  assert.equal(devices.makeCode({ key, until, renews: { id: 'b' } }).kind, 'none')
  assert.equal(devices.makeCode({ key, until, renews: { id: 'a', expires: time(9_000) } }).kind, 'made')
  const outcome = devices.redeem({ device: 'a', codeKey: key, publicKey, from })
  assert.ok(outcome.kind === 'made')
  const { expires, overlap, owner } = outcome.device
  assert.deepEqual([expires, overlap, owner], [time(9_000), time(RENEWAL_OVERLAP_MS), 'ann'])
  assert.notEqual(outcome.device.publicKey, old.toString('base64url'))
  assert.deepEqual(kinds(dir), ['device.enroll', 'device.code', 'device.rotate'])
  clock.now += 9_000
  assert.equal(devices.makeCode({ key, until: time(1), renews: { id: 'a' } }).kind, 'ended')
})

test('a code does not bring back a device that was revoked after it was made, redeemed or not', () => {
  const { devices, time, enroll } = deviceRoom()
  enroll({ id: 'a' })
  const [key, publicKey] = [randomBytes(32), randomBytes(32)]
  devices.makeCode({ key, until: time(1_000), renews: { id: 'a' } })
  assert.equal(devices.redeem({ device: 'a', codeKey: key, publicKey, from }).kind, 'made')
  devices.revoke('a')
  assert.equal(devices.redeem({ device: 'a', codeKey: key, publicKey, from }).kind, 'none')
  assert.equal(devices.list()[0]?.state, 'revoked')
})

test('a code that is revoked before there is a device leaves an event', () => {
  const room = deviceRoom()
  coded(room, 'a')
  assert.deepEqual(room.devices.revoke('a'), { kind: 'revoked', device: null })
  assert.deepEqual(room.devices.revoke('a'), { kind: 'none' })
  assert.deepEqual(kinds(room.dir), ['device.code', 'device.revoke'])
})

test('each change leaves one event with who, before and after; a change that does nothing leaves none', () => {
  const { dir, devices, settings, enroll } = deviceRoom()
  enroll({ id: 'a' })
  devices.enroll(settings({ id: 'a' }), randomBytes(32))
  devices.rotate('a', randomBytes(32), { overlapMs: 60_000 })
  devices.revoke('a')
  devices.revoke('a')
  enroll({ id: 'a' })
  const events = eventsOf(dir)
  assert.deepEqual(
    events.map(({ who, what, subject }) => [who, what, subject]),
    ['enroll', 'rotate', 'revoke', 'enroll'].map((act) => ['tester', `device.${act}`, 'a']),
  )
  const stateIn = (text: string | null): string | null =>
    text === null ? null : (JSON.parse(text) as { state: string }).state
  assert.deepEqual(
    events.map(({ before, after }) => [stateIn(before), stateIn(after)]),
    [
      [null, 'active'],
      ['active', 'active'],
      ['active', 'revoked'],
      ['revoked', 'active'],
    ],
  )
})

test('of several processes that redeem a code at once one does', async () => {
  const { dir, devices } = deviceRoom()
  const at = (ms: number): string => new Date(Date.now() + ms).toISOString()
  const settings = deviceSettings.parse({ id: 'a', notBefore: at(0), expires: at(600_000) })
  const key = randomBytes(32)
  devices.makeCode({ key, until: at(300_000), settings })
  const program = fileURLToPath(new URL('../support/redeem-child.ts', import.meta.url))
  const codes = Array.from({ length: 5 }, () => key.toString('hex'))
  const children = Array.from({ length: 4 }, () => spawn(process.execPath, [program, dir, 'a', ...codes]))
  const lines = children.map((child) => createInterface({ input: child.stdout })[Symbol.asyncIterator]())
  for (const line of lines) assert.equal((await line.next()).value, 'ready')
  for (const child of children) child.stdin.write('go\n')
  const outcomes: string[] = []
  for (const line of lines) outcomes.push(...(JSON.parse(String((await line.next()).value)) as string[]))
  assert.deepEqual(
    outcomes.toSorted((one, other) => one.localeCompare(other)),
    ['made', ...Array.from({ length: 19 }, () => 'none')],
  )
  assert.deepEqual(kinds(dir), ['device.code', 'device.enroll'])
})

/** What may be done to a few devices with a few keys and codes, in any order. */
const act = fc.record({
  kind: fc.constantFrom('enroll', 'rotate', 'redeem', 'redeem', 'code', 'renew', 'revoke', 'wait'),
  id: fc.constantFrom('d0', 'd1', 'd2'),
  key: fc.nat(5).map((n) => Buffer.alloc(32, n)),
  code: fc.nat(3).map((n) => Buffer.alloc(32, 16 + n)),
})

function done(
  room: DeviceRoom,
  { kind, id, key, code: n }: typeof act extends fc.Arbitrary<infer T> ? T : never,
): string {
  const { devices, clock, time } = room
  const settings = room.settings({ id, expires: time(10_000) })
  const until = time(5_000)
  // Codes are random: no two devices have the same.
  const code = Buffer.concat([n.subarray(2), Buffer.from(id)])
  if (kind === 'enroll') return devices.enroll(settings, key).kind
  if (kind === 'rotate') return devices.rotate(id, key, { overlapMs: 1_000 }).kind
  if (kind === 'redeem') return devices.redeem({ device: id, codeKey: code, publicKey: key, from }).kind
  if (kind === 'code') return devices.makeCode({ key: code, until, settings }).kind
  if (kind === 'renew') return devices.makeCode({ key: code, until, renews: { id } }).kind
  if (kind === 'revoke') return devices.revoke(id).kind
  clock.now += 3_000
  return 'waited'
}

test('whatever is done to devices in whatever order, a key is of one device, a code counts once, and each change is an event', () => {
  fc.assert(
    fc.property(fc.array(act, { maxLength: 40 }), (acts) => {
      const room = deviceRoom()
      const lookup = deviceLookup({ dir: room.dir, now: () => room.clock.now })
      const spent = new Set<string>()
      for (const one of acts) {
        const [events, before] = [eventCount(room.dir), JSON.stringify(room.devices.list())]
        const outcome = done(room, one)
        const told = eventCount(room.dir) - events
        const list = room.devices.list()
        if (['enroll', 'rotate', 'redeem'].includes(one.kind))
          assert.equal(told, before === JSON.stringify(list) ? 0 : 1)
        const code = `${one.id} ${one.code[0]}`
        // The same bytes may be a code again when the operator makes one of them.
        if (['code', 'renew'].includes(one.kind) && outcome === 'made') spent.delete(code)
        if (one.kind === 'redeem' && told === 1) assert.ok(!spent.has(code) && spent.add(code))
        assert.equal(new Set(list.map(({ publicKey }) => publicKey)).size, list.length)
        for (const { id, state, publicKey } of list) {
          const known = lookup.deviceOf(id)
          assert.equal(known?.revoked, state === 'revoked')
          assert.deepEqual(known.publicKey, Buffer.from(publicKey, 'base64url'))
        }
      }
      lookup.close()
      room.devices.close()
    }),
    { numRuns: 40 },
  )
})

function eventCount(dir: string): number {
  const db = openStore({ dir, durability: 'crash' })
  const count = Number(db.prepare('SELECT count(*) FROM events').pluck().get())
  db.close()
  return count
}
