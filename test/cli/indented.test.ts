import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { indented } from '../../src/cli/indented.ts'

test('numbers and escapes are printed as they stand in the text', () => {
  const json = String.raw`{"id":12345678901234567890,"a":[1.0,-0,1e400,"\u00e4\n\""],"e":{},"f":[ ] }`
  const expected = String.raw`{
  "id": 12345678901234567890,
  "a": [
    1.0,
    -0,
    1e400,
    "\u00e4\n\""
  ],
  "e": {},
  "f": []
}`
  assert.equal(indented(json), expected)
})

test('what JSON.stringify wrote is laid out as JSON.stringify lays it out', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.constantFrom(undefined, 1, 4), (value, space) => {
      assert.equal(indented(JSON.stringify(value, null, space)), JSON.stringify(value, null, 2))
    }),
  )
})

test('a string of many megabytes is no trouble', () => {
  const json = JSON.stringify([`${'x'.repeat(8_000_000)}\n`.repeat(2)])
  assert.equal(indented(json).length, json.length + 4)
})
