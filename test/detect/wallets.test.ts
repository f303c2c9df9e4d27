import assert from 'node:assert/strict'
import { test } from 'node:test'
import { wallets } from '../../src/detect/wallets.ts'

/** Published as samples by the authors of each format, or its genesis. */
const valid: Record<keyof typeof wallets, string> = {
  base58check: '1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2',
  bech32: 'BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4',
  ripple: 'rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh',
  solana: '7EcDhSYGxXyscszYEp35KHN8vvw3svAuLKTzXwCFLtV',
  ethereum: '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed',
}

for (const [name, address] of Object.entries(valid)) {
  const check = wallets[name as keyof typeof wallets]

  test(`${name} knows an address, and not one that is cut`, () => {
    assert.equal(check(address), true)
    assert.equal(check(address.slice(0, -3)), false)
  })
}

test('addresses with a slip are none', () => {
  for (const name of ['base58check', 'bech32', 'ripple'] as const) {
    const address = valid[name]
    for (let at = 4; at < address.length; at++) {
      const other = address[at] === '5' ? '6' : '5'
      assert.equal(wallets[name](address.slice(0, at) + other + address.slice(at + 1)), address[at] === other, name)
    }
  }
})

test('capitals of an Ethereum address are a checksum, unless all or none are', () => {
  const { ethereum } = valid
  assert.equal(wallets.ethereum(ethereum.toLowerCase()), true)
  assert.equal(wallets.ethereum(`0x${ethereum.slice(2).toUpperCase()}`), true)
  assert.equal(wallets.ethereum(ethereum.replace('aA', 'Aa')), false)
  assert.equal(wallets.ethereum(`0x${'0'.repeat(40)}`), false)
})
