import assert from 'node:assert/strict'
import { test } from 'node:test'
import { entropy } from '../../src/detect/entropy.ts'

test('entropy is bits per character', () => {
  assert.equal(entropy('aaaa'), 0)
  assert.equal(entropy('abab'), 1)
  assert.equal(entropy('abcd'), 2)
  assert.equal(entropy('0123456789abcdef'), 4)
  assert.equal(entropy(''), 0)
})
