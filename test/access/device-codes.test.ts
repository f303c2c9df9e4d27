import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deviceCodes } from '../../src/access/device-codes.ts'
import { openStore } from '../../src/store/open.ts'
import { tempFolder } from '../support/temp.ts'

const at = (day: number): string => new Date(Date.UTC(2026, 0, day)).toISOString()
const key = (fill: number): Buffer => Buffer.alloc(32, fill)
const settings = { id: 'a', owner: null, policies: ['p'], expires: at(20) }

test('a device has one code at most, until it ends', () => {
  const db = openStore({ dir: tempFolder('codes'), durability: 'crash' })
  const codes = deviceCodes(db)
  codes.put({ key: key(1), settings, at: at(1), until: at(3) })
  codes.put({ key: key(2), settings, at: at(1), until: at(4) })
  codes.put({ key: key(3), settings: { ...settings, id: 'b' }, at: at(1), until: at(9) })
  assert.deepEqual(codes.of('a', at(1))?.public_key, key(2))
  assert.equal(codes.of('a', at(4)), undefined)
  codes.spend('a', at(2))
  assert.deepEqual([codes.of('a', at(3))?.redeemed, codes.of('b', at(3))?.redeemed], [at(2), null])
  codes.end('a')
  assert.equal(codes.of('a', at(1)), undefined)
  assert.equal(codes.of('b', at(1))?.device, 'b')
  db.close()
})

test('codes that have ended are removed when one is made', () => {
  const db = openStore({ dir: tempFolder('codes'), durability: 'crash' })
  const codes = deviceCodes(db)
  for (const day of [2, 3, 4])
    codes.put({ key: key(day), settings: { ...settings, id: `d${day}` }, at: at(1), until: at(day) })
  codes.put({ key: key(9), settings, at: at(3), until: at(9) })
  assert.deepEqual(db.prepare('SELECT device FROM device_codes ORDER BY device').pluck().all(), ['a', 'd4'])
  db.close()
})
