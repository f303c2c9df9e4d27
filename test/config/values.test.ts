import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { formatAddress, isCidr, parseAddress } from '../../src/config/values.ts'

const good: [string, { host: string; port: number }][] = [
  ['127.0.0.1:3128', { host: '127.0.0.1', port: 3128 }],
  [':3128', { host: '', port: 3128 }],
  [':0', { host: '', port: 0 }],
  ['[::1]:3128', { host: '::1', port: 3128 }],
  ['[fe80::1%eth0]:1', { host: 'fe80::1%eth0', port: 1 }],
  ['LocalHost:65535', { host: 'localhost', port: 65_535 }],
]

for (const [text, address] of good) {
  test(`the address ${text} is read`, () => {
    assert.deepEqual(parseAddress(text), address)
  })
}

for (const text of [
  '',
  '3128',
  'host',
  'host:',
  'host:65536',
  '::1:3128',
  '[::1]',
  '[x]:1',
  'a b:1',
  'http://h:1',
  'h:1/',
]) {
  test(`the address ${JSON.stringify(text)} is refused`, () => {
    assert.equal(parseAddress(text), undefined)
  })
}

test('an address that was read is written so that it reads the same', () => {
  const host = fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain(), fc.constant(''))
  fc.assert(
    fc.property(host, fc.integer({ min: 0, max: 65_535 }), (name, port) => {
      const address = { host: name.toLowerCase(), port }
      assert.deepEqual(parseAddress(formatAddress(address)), address)
    }),
  )
})

const networks: [string, boolean][] = [
  ['10.0.0.0/8', true],
  ['0.0.0.0/0', true],
  ['::1/128', true],
  ['::1', true],
  ['192.0.2.1', true],
  ['10.0.0.0/33', false],
  ['::/129', false],
  ['10.0.0.0/', false],
  ['10.0.0.0/8/8', false],
  ['10.0.0/8', false],
  ['fe80::1%eth0/64', false],
  ['example.com', false],
]

for (const [text, expected] of networks) {
  test(`${text} is ${expected ? 'a network' : 'no network'}`, () => {
    assert.equal(isCidr(text), expected)
  })
}
