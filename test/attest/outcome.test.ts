import assert from 'node:assert/strict'
import { test } from 'node:test'
import { headerOfForm, outcomes } from '../../src/attest/outcome.ts'
import { endToEnd } from '../../src/http/headers.ts'

test('outcomes are short words, fit for a label, and no two are the same', () => {
  for (const outcome of outcomes) assert.match(outcome, /^[a-z]+(?:_[a-z]+)*$/)
  assert.equal(new Set(outcomes).size, outcomes.length)
})

test('the field of each form stays on this hop', () => {
  for (const name of Object.values(headerOfForm))
    assert.deepEqual(endToEnd([name.toUpperCase(), 'x', 'A', 'b']), ['A', 'b'])
})
