import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as places from '../../src/detect/places.ts'

test('an address begins where its local part does', () => {
  const text = 'to <dora.finch+x@north.org>'
  assert.equal(places.emailStart(text, text.indexOf('@')), 4)
  assert.equal(places.emailStart('a @b', 2), 2)
  assert.equal(places.emailStart('a@ b', 1), 1)
  assert.equal(places.domainStart('a@north.org', 11), 2)
})

test('a scheme stands right before the colon', () => {
  assert.equal(places.schemeStart('see mongodb+srv://x', 15), 4)
})

test('a number knows its token, what may belong to it, and how many digits follow', () => {
  assert.deepEqual(places.numberAt('(212) 555-0142', 1), { start: 1, end: 4, letters: 1, phone: 0 })
  assert.deepEqual(places.numberAt('x AB 12 34 56 C', 5), { start: 5, end: 7, letters: 2, phone: 5 })
  assert.deepEqual(places.numberAt('DE8937', 2), { start: 0, end: 6, letters: 0, phone: 0 })
  assert.equal(places.numberAt('abcdefghijklmnop1', 16).start, -1)
})

test('colons count between hexadecimal groups only', () => {
  assert.deepEqual(places.colonRunAt('at fe80::1 now', 7), { start: 3, end: 10 })
  assert.equal(places.colonRunAt('std::vector', 3), undefined)
  assert.equal(places.colonRunAt('"a": 1', 3), undefined)
})

test('an assignment is seen behind quotes, brackets and the rest of a name', () => {
  for (const text of ['token = 1', 'token_key"]: 1', "token' => 1", 'tokens, 1', 'token is 1', 'token string = 1']) {
    assert.equal(places.hasAssignment(text, 5), true, text)
  }
  for (const text of ['tokens of', 'token', 'token and']) assert.equal(places.hasAssignment(text, 5), false, text)
})

test('an escape before a word is not part of it', () => {
  assert.equal(places.insideWord('aghp_', 1), true)
  assert.equal(places.insideWord('\\nghp_', 2), false)
  assert.equal(places.insideWord(' ghp_', 1), false)
  assert.equal(places.insideWord('\u001b[1;32mghp_', 7), false)
  assert.equal(places.insideWord('\u001bmghp_', 2), true)
  assert.equal(places.insideWord('ghp_', 0), false)
})

test('numbers may run to the end from behind the last long word', () => {
  assert.equal(places.numbersFrom('called at 4111 11'), 6)
  assert.equal(places.numbersFrom('a "4111 11'), 3)
  assert.equal(places.numbersFrom('4111 1111 11'), 0)
})

test('solid text begins behind white space and quotation marks', () => {
  assert.equal(places.solidFrom('a "bc'), 3)
  assert.equal(places.solidFrom('abc'), 0)
})
