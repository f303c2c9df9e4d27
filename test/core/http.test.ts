import assert from 'node:assert/strict'
import { test } from 'node:test'
import { headerOf, withoutHeaders } from '../../src/core/http.ts'

const headers = ['Host', 'a', 'X-A', '1', 'x-a', '2', 'Set-Cookie', 'b']

test('the first value of a field is found whatever its case', () => {
  assert.equal(headerOf(headers, 'x-a'), '1')
  assert.equal(headerOf(headers, 'set-cookie'), 'b')
  assert.equal(headerOf(headers, 'none'), undefined)
})

test('fields are removed with all their duplicates, the rest stays as it is', () => {
  assert.deepEqual(withoutHeaders(headers, new Set(['x-a'])), ['Host', 'a', 'Set-Cookie', 'b'])
})
