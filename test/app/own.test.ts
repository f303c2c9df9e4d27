import assert from 'node:assert/strict'
import { networkInterfaces } from 'node:os'
import { test } from 'node:test'
import { isOwnAddress, isWildcard } from '../../src/app/own.ts'

const [outside] = Object.values(networkInterfaces()).flatMap((some) => some?.map(({ address }) => address) ?? [])

const cases: [listener: string, address: string, own: boolean][] = [
  ['127.0.0.1', '127.0.0.1', true],
  ['127.0.0.1', '::ffff:127.0.0.1', true],
  ['127.0.0.1', '::ffff:7f00:1', true],
  ['127.0.0.1', '0:0:0:0:0:FFFF:7F00:0001', true],
  ['127.0.0.1', '0.0.0.0', true],
  ['127.0.0.1', '127.0.0.2', false],
  ['::1', '0:0:0:0:0:0:0:1', true],
  ['::1', '::', true],
  ['0.0.0.0', '127.8.9.1', true],
  ['', outside ?? '127.0.0.1', true],
  ['::', '93.184.215.14', false],
  ['', 'a.test', false],
]
for (const [listener, address, own] of cases) {
  test(`to a listener at "${listener}", ${address} is ${own ? 'itself' : 'another'}`, () => {
    assert.equal(isOwnAddress([{ host: listener, port: 3128 }], address, 3128), own)
    assert.equal(isOwnAddress([{ host: listener, port: 3128 }], address, 3129), false)
  })
}

test('a wildcard listens everywhere', () => {
  assert.deepEqual(['', '0.0.0.0', '::', '127.0.0.1', '::1'].map(isWildcard), [true, true, true, false, false])
})
