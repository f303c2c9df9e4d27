import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { canonicalJson, digestOf } from '../../src/policy/digest.ts'

test('keys are sorted at every depth', () => {
  assert.equal(canonicalJson({ b: [{ d: 1, c: 2 }], a: undefined, z: null }), '{"b":[{"c":2,"d":1}],"z":null}')
})

test('the order of keys does not count', () => {
  const reversed = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(reversed)
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(
      Object.entries(value)
        .toReversed()
        .map(([key, inner]) => [key, reversed(inner)]),
    )
  }
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 })), (value) => {
      assert.equal(canonicalJson(reversed(value)), canonicalJson(value))
    }),
    { numRuns: 200 },
  )
})

test('values cannot flow into each other', () => {
  assert.notEqual(digestOf(['a', 'b']), digestOf(['ab']))
  assert.notEqual(digestOf(['a\n"b"']), digestOf(['a', 'b']))
  assert.notEqual(digestOf([['a'], []]), digestOf([[], ['a']]))
})
