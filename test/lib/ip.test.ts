import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addressSet, isSpecialAddress, plainAddress } from '../../src/lib/ip.ts'

const special = [
  '127.0.0.1',
  '127.255.255.254',
  '10.1.2.3',
  '172.16.0.1',
  '172.31.255.255',
  '192.168.1.1',
  '169.254.169.254',
  '100.64.0.1',
  '0.0.0.0',
  '0.1.2.3',
  '224.0.0.1',
  '255.255.255.255',
  '192.0.2.1',
  '198.18.0.1',
  '::',
  '::1',
  'fe80::1',
  'fe80::1%eth0',
  'fc00::1',
  'fd12:3456::1',
  'ff02::1',
  '2001:db8::1',
  '::ffff:127.0.0.1',
  '::ffff:10.0.0.1',
  '::ffff:7f00:1',
  '64:ff9b::7f00:1',
  '64:ff9b::169.254.169.254',
  '2002:7f00:1::',
  '2002:a00:1::1',
  '::127.0.0.1',
  '[::1]',
  '::ffff:0:7f00:1',
  '2001::7f00:1',
]

const ordinary = [
  '1.1.1.1',
  '8.8.8.8',
  '100.128.0.1',
  '172.32.0.1',
  '192.169.0.1',
  '2606:4700::1111',
  '2002:808:808::1',
  '64:ff9b::808:808',
  '::ffff:8.8.8.8',
]

test('loopback, private, link-local, metadata and the addresses that carry one inside are special', () => {
  for (const address of special) assert.equal(isSpecialAddress(address), true, address)
})

test('addresses of the open internet are not', () => {
  for (const address of ordinary) assert.equal(isSpecialAddress(address), false, address)
})

test('a set holds networks and single addresses of both families, and knows mapped addresses', () => {
  const set = addressSet(['10.0.0.0/8', '::1', '2001:db8::/32', '192.168.7.7'])
  for (const address of ['10.255.0.1', '::1', '2001:db8:1::2', '192.168.7.7', '::ffff:10.1.1.1', '[::1]'])
    assert.equal(set(address), true, address)
  for (const address of ['11.0.0.1', '::2', '192.168.7.8', 'example.com', ''])
    assert.equal(set(address), false, address)
})

test('what is no network is refused by name', () => {
  for (const bad of ['10.0.0.0/33', '::1/129', 'host', '10.0.0.0/x', '10.0.0.0/-1'])
    assert.throws(() => addressSet([bad]), { name: 'RangeError', message: new RegExp(bad.replace(/[/.]/g, '\\$&')) })
})

test('brackets, zones and IPv4-mapping are taken off', () => {
  assert.equal(plainAddress('[FE80::1%eth0]'), 'fe80::1')
  assert.equal(plainAddress('::ffff:1.2.3.4'), '1.2.3.4')
})

const spelt: [address: string, plain: string][] = [
  ['::FFFF:102:304', '1.2.3.4'],
  ['0:0:0:0:0:ffff:1.2.3.4', '1.2.3.4'],
  ['0:0:0:0:0:0:0:1', '::1'],
  ['2001:0DB8:0:0:0:0:0:1', '2001:db8::1'],
  ['64:ff9b::1.2.3.4', '64:ff9b::102:304'],
  ['127.0.0.1', '127.0.0.1'],
  ['Not-An-Address', 'not-an-address'],
]
for (const [address, plain] of spelt) {
  test(`${address} is ${plain}`, () => assert.equal(plainAddress(address), plain))
}
