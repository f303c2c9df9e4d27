import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bracketed, keyOf } from '../../src/upstream/origin.ts'

test('origins differ by scheme, host and port', () => {
  const keys = [
    ['http', 'a', 80],
    ['https', 'a', 80],
    ['http', 'b', 80],
    ['http', 'a', 81],
  ].map(([scheme, host, port]) => keyOf({ scheme: scheme as 'http', host: String(host), port: Number(port) }))
  assert.equal(new Set(keys).size, 4)
})

test('only IPv6 addresses have brackets', () => {
  assert.deepEqual(['a.test', '10.0.0.1', '::1'].map(bracketed), ['a.test', '10.0.0.1', '[::1]'])
})
