import assert from 'node:assert/strict'
import test from 'node:test'
import { addressBytes, addressText } from '../../src/lib/address-bytes.ts'

const addresses: [text: string, hex: string, plain: string][] = [
  ['127.0.0.1', '7f000001', '127.0.0.1'],
  ['255.255.255.255', 'ffffffff', '255.255.255.255'],
  ['::', '0'.repeat(32), '::'],
  ['::1', `${'0'.repeat(31)}1`, '::1'],
  ['2001:DB8::0a:b', `20010db8${'0'.repeat(18)}0a000b`, '2001:db8::a:b'],
  ['1:2:3:4:5:6:7:8', '00010002000300040005000600070008', '1:2:3:4:5:6:7:8'],
  ['::ffff:10.1.2.3', '00000000000000000000ffff0a010203', '::ffff:a01:203'],
  ['fe80::1%eth0', `fe80${'0'.repeat(27)}1`, 'fe80::1'],
]

for (const [text, hex, plain] of addresses) {
  test(`${text} is ${hex}, spelled ${plain}`, () => {
    assert.equal(addressBytes(text).toString('hex'), hex)
    assert.equal(addressText(addressBytes(text)), plain)
  })
}

test('what is not an address is refused', () => {
  for (const text of ['', 'localhost', '1.2.3', '1.2.3.256', '[::1]', ':::', '12345::']) {
    assert.throws(() => addressBytes(text), RangeError)
  }
})
