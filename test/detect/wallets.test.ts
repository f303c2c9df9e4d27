import assert from 'node:assert/strict'
import { test } from 'node:test'
import { wallets } from '../../src/detect/wallets.ts'

test('addresses with a slip are none', () => {
  assert.equal(wallets.base58check('1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2'), true)
  assert.equal(wallets.base58check('1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN3'), false)
  assert.equal(wallets.bech32('BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4'), true)
  assert.equal(wallets.bech32('BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T5'), false)
})
