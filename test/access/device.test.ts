import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deviceOf, knownDevice, type DeviceRow } from '../../src/access/device.ts'
import { SallyportError } from '../../src/core/errors.ts'

const at = (day: number): string => new Date(Date.UTC(2026, 0, day)).toISOString()

const row: DeviceRow = {
  id: 'laptop-7',
  owner: null,
  state: 'active',
  public_key: Buffer.alloc(32, 1),
  old_public_key: null,
  old_until: null,
  policies: '[]',
  created: at(1),
  not_before: at(2),
  expires: at(9),
  revoked: null,
  last_seen: null,
}

const states: [what: string, row: Partial<DeviceRow>, day: number, state: string][] = [
  ['before its time', {}, 1, 'pending'],
  ['from its first moment', {}, 2, 'active'],
  ['to its last', {}, 8, 'active'],
  ['at its end', {}, 9, 'expired'],
  ['revoked before its time', { state: 'revoked' }, 1, 'revoked'],
  ['revoked after its end', { state: 'revoked' }, 9, 'revoked'],
]

for (const [what, over, day, state] of states) {
  test(`a device ${what} is ${state}`, () => assert.equal(deviceOf({ ...row, ...over }, at(day)).state, state))
}

test('an old key is shown for as long as it is good', () => {
  const rotated = { ...row, old_public_key: Buffer.alloc(32, 2), old_until: at(4) }
  assert.equal(deviceOf(rotated, at(3)).overlap, at(4))
  assert.equal(deviceOf(rotated, at(4)).overlap, null)
  assert.deepEqual(knownDevice(rotated).previous, { publicKey: Buffer.alloc(32, 2), until: Date.UTC(2026, 0, 4) })
})

test('who verifies gets times as numbers', () => {
  assert.deepEqual(knownDevice({ ...row, policies: '["a"]' }), {
    id: 'laptop-7',
    publicKey: row.public_key,
    previous: null,
    notBefore: Date.UTC(2026, 0, 2),
    expires: Date.UTC(2026, 0, 9),
    revoked: false,
    policies: ['a'],
  })
  assert.equal(knownDevice({ ...row, state: 'revoked' }).revoked, true)
})

const damaged: Partial<DeviceRow>[] = [
  { expires: '' },
  { expires: 'never' },
  { not_before: '' },
  { old_public_key: Buffer.alloc(32), old_until: 'soon' },
  { policies: '' },
  { policies: '{}' },
  { policies: 'null' },
  { policies: '[1]' },
]

for (const over of damaged) {
  test(`a row with ${JSON.stringify(over).slice(0, 40)} is no device`, () =>
    assert.throws(
      () => knownDevice({ ...row, ...over }),
      (thrown) => thrown instanceof SallyportError && thrown.code === 'ledger_corrupt',
    ))
}
