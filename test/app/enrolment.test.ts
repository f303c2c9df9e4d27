import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { enrolmentDesk } from '../../src/app/enrolment.ts'
import { enrolmentCodeFrom, enrolmentRequest, newEnrolmentCode } from '../../src/attest/enrolment.ts'
import { newDeviceKey, privateKeyFrom } from '../../src/attest/keys.ts'
import { configSchema } from '../../src/config/schema.ts'
import { openStore } from '../../src/store/open.ts'
import { deviceRoom, type DeviceRoom } from '../support/devices.ts'
import { tempFolder } from '../support/temp.ts'

const ip = '192.0.2.1'

function desk(room: DeviceRoom, dir = room.dir) {
  const config = configSchema.parse({ data: { dir }, attestation: { audience: 'egress-1' } })
  return enrolmentDesk(
    () => config,
    () => room.clock.now,
  )
}

/** Makes a code for the device; gives what asks with it. */
function coded(room: DeviceRoom, id: string) {
  const { code, publicKey } = newEnrolmentCode(id)
  room.devices.makeCode({ key: publicKey, until: room.time(60_000), settings: room.settings({ id }) })
  return asking(code)
}

function asking(code: string, key = newDeviceKey()): Buffer {
  const read = enrolmentCodeFrom(code)
  assert.ok(read !== undefined)
  return Buffer.from(enrolmentRequest(read, privateKeyFrom(key.privatePem)))
}

test('a device with a code is enrolled, and asking again changes nothing', async () => {
  const room = deviceRoom()
  const enroll = desk(room)
  const body = coded(room, 'laptop-7')
  const answer = {
    status: 201,
    body: { device: 'laptop-7', expires: room.time(86_400_000), policies: [], overlap: null, audience: 'egress-1' },
  }
  assert.deepEqual(await enroll(body, ip), answer)
  assert.deepEqual(await enroll(body, ip), answer)
  assert.deepEqual(
    room.devices.list().map(({ id, state }) => [id, state]),
    [['laptop-7', 'active']],
  )
})

test('the event of an enrolment has the address that it came from', async () => {
  const room = deviceRoom()
  await desk(room)(coded(room, 'laptop-7'), '::ffff:192.0.2.1')
  const db = openStore({ dir: room.dir, durability: 'crash' })
  const after = db
    .prepare(`SELECT "after" FROM events WHERE what = 'device.enroll' AND who = 'sallyport'`)
    .pluck()
    .get()
  db.close()
  const { by, from } = JSON.parse(String(after)) as Record<string, unknown>
  assert.deepEqual([by, from], ['code', '192.0.2.1'])
})

test('of many that ask with one code one is enrolled', async () => {
  const room = deviceRoom()
  const enroll = desk(room)
  const { code, publicKey } = newEnrolmentCode('laptop-7')
  room.devices.makeCode({ key: publicKey, until: room.time(60_000), settings: room.settings({ id: 'laptop-7' }) })
  const answers = await Promise.all(Array.from({ length: 8 }, () => enroll(asking(code), ip)))
  const statuses = answers.map(({ status }) => status).toSorted((a, b) => a - b)
  assert.deepEqual(statuses, [201, 403, 403, 403, 403, 403, 403, 403])
})

const refusals: [what: string, body: (room: DeviceRoom) => Buffer][] = [
  ['no code for the device', () => asking(newEnrolmentCode('laptop-7').code)],
  [
    'another code for the device',
    (room) => {
      coded(room, 'laptop-7')
      return asking(newEnrolmentCode('laptop-7').code)
    },
  ],
  [
    'a code that was used',
    (room) => {
      const { code, publicKey } = newEnrolmentCode('laptop-7')
      room.devices.makeCode({ key: publicKey, until: room.time(60_000), settings: room.settings({ id: 'laptop-7' }) })
      room.devices.redeem({ device: 'laptop-7', codeKey: publicKey, publicKey: newDeviceKey().publicKey, from: ip })
      return asking(code)
    },
  ],
  [
    'a code whose time is over',
    (room) => {
      const body = coded(room, 'laptop-7')
      room.clock.now += 60_000
      return body
    },
  ],
  [
    'a code that was revoked',
    (room) => {
      const body = coded(room, 'laptop-7')
      room.devices.revoke('laptop-7')
      return body
    },
  ],
  [
    'a device without a proof for its key',
    (room) => {
      const { deviceSignature: _, ...members } = JSON.parse(coded(room, 'laptop-7').toString()) as Record<
        string,
        string
      >
      return Buffer.from(JSON.stringify({ ...members, deviceSignature: members['codeSignature'] }))
    },
  ],
]

for (const [what, body] of refusals) {
  test(`${what} is refused with the same words`, async () => {
    const room = deviceRoom()
    const before = body(room)
    const known = room.devices.list().length
    assert.deepEqual(await desk(room)(before, ip), { status: 403, body: { error: 'code_not_valid' } })
    assert.equal(room.devices.list().length, known)
  })
}

test('a key that another device has is told to who has a code, and the code stays', async () => {
  const room = deviceRoom()
  const enroll = desk(room)
  const key = newDeviceKey()
  room.devices.enroll(room.settings({ id: 'first' }), key.publicKey)
  const { code, publicKey } = newEnrolmentCode('laptop-7')
  room.devices.makeCode({ key: publicKey, until: room.time(60_000), settings: room.settings({ id: 'laptop-7' }) })
  assert.deepEqual(await enroll(asking(code, key), ip), { status: 409, body: { error: 'key_taken' } })
  assert.equal((await enroll(asking(code), ip)).status, 201)
})

test('an address that fails too often waits, with the right code too; others do not', async () => {
  const room = deviceRoom()
  const enroll = desk(room)
  const body = coded(room, 'laptop-7')
  for (let i = 0; i < 100; i++) assert.equal((await enroll(Buffer.from('{}'), ip)).status, 400)
  assert.deepEqual(await enroll(body, ip), { status: 429, body: { error: 'rate_limited' }, retryAfterSeconds: 1 })
  assert.equal((await enroll(body, '192.0.2.2')).status, 201)
  room.clock.now += 1_000
  assert.equal((await enroll(body, ip)).status, 201)
})

test('where the ledger cannot be opened it may be tried later', async () => {
  const room = deviceRoom()
  const dir = tempFolder('file')
  writeFileSync(join(dir, 'sallyport.db'), 'no database, but long enough to be looked at as one '.repeat(20))
  const { status, retryAfterSeconds } = await desk(room, dir)(coded(room, 'laptop-7'), ip)
  assert.deepEqual([status, retryAfterSeconds], [503, 5])
})
