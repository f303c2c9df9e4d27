import assert from 'node:assert/strict'
import { PassThrough, Readable } from 'node:stream'
import { test } from 'node:test'
import type { Finding } from '../../../src/cli/doctor/check.ts'
import { devicesLast } from '../../../src/cli/doctor/devices.ts'
import { configSchema } from '../../../src/config/schema.ts'
import { deviceRoom } from '../../support/devices.ts'
import { tempFolder } from '../../support/temp.ts'

function looked(dir: string, now: number): Promise<Finding> {
  const io = { stdin: Readable.from([]), stdout: new PassThrough(), stderr: new PassThrough(), env: {}, cwd: '/' }
  return devicesLast({ config: configSchema.parse({ data: { dir } }), io }, now)
}

const DAY = 86_400_000

test('no ledger and no devices are well', async () => {
  assert.deepEqual(await looked(tempFolder('none'), 0), { status: 'ok', message: 'none is enrolled' })
  const { dir, clock } = deviceRoom()
  assert.deepEqual(await looked(dir, clock.now), { status: 'ok', message: 'none is enrolled' })
})

test('a device is told two weeks before its end, and two weeks after it', async () => {
  const { dir, clock, enroll, time } = deviceRoom()
  enroll({ id: 'a', expires: time(20 * DAY) })
  const at = async (days: number) => (await looked(dir, clock.now + days * DAY)).message
  assert.equal(await at(5), '1 enrolled')
  assert.equal(await at(6), 'devices to be renewed: a (ends 2026-01-21)')
  assert.equal(await at(20), 'devices to be renewed: a (ended 2026-01-21)')
  assert.equal(await at(34), 'none is enrolled')
})

test('revoked devices are no matter, and of many some are named', async () => {
  const { dir, clock, devices, enroll, time } = deviceRoom()
  enroll({ id: 'gone', expires: time(DAY) })
  devices.revoke('gone')
  assert.equal((await looked(dir, clock.now)).status, 'ok')
  for (let i = 1; i <= 7; i++) enroll({ id: `d${i}`, expires: time(DAY) })
  const { status, message } = await looked(dir, clock.now)
  assert.equal(status, 'warn')
  assert.match(message, /^devices to be renewed: d1 .*d5 \(ends 2026-01-02\) and 2 more$/)
})
