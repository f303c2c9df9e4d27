import assert from 'node:assert/strict'
import { test } from 'node:test'
import { grouped, withoutPseudo } from '../../src/http/field-section.ts'

test('fields for HTTP/2 are lower case, duplicates a list', () => {
  assert.deepEqual(
    { ...grouped(['A', '1', 'b', '2', 'a', '3', 'A', '4', '__proto__', 'x']) },
    Object.fromEntries([
      ['a', ['1', '3', '4']],
      ['b', '2'],
      ['__proto__', 'x'],
    ]),
  )
})

test('pseudo-header fields are none of the fields', () => {
  assert.deepEqual(withoutPseudo([':status', '200', 'a', ':b', ':other', 'c', 'd', 'e']), ['a', ':b', 'd', 'e'])
})
