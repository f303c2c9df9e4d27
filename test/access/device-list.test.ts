import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readDevices } from '../../src/access/device-list.ts'
import { deviceRoom } from '../support/devices.ts'
import { tempFolder } from '../support/temp.ts'

test('devices are read in the order of their ids, as they stand at the time', () => {
  const { dir, devices, enroll, time } = deviceRoom()
  enroll({ id: 'b', expires: time(5) })
  enroll({ id: 'a' })
  enroll({ id: 'B' })
  const statesAt = (at: string): string[][] => readDevices({ dir, at }).map(({ id, state }) => [id, state])
  assert.deepEqual(statesAt(time(4)), [
    ['B', 'active'],
    ['a', 'active'],
    ['b', 'active'],
  ])
  assert.deepEqual(statesAt(time(5))[2], ['b', 'expired'])
  assert.deepEqual(readDevices({ dir, at: time() }), devices.list())
})

test('where there is no ledger that is an error', () => {
  assert.throws(() => readDevices({ dir: tempFolder('none'), at: '' }), { code: 'ledger_unavailable' })
})
