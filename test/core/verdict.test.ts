import assert from 'node:assert/strict'
import { test } from 'node:test'
import { actions, stricter, strictest } from '../../src/core/verdict.ts'

test('the strictest action wins, whatever the order', () => {
  assert.equal(strictest([]), 'allow')
  assert.equal(strictest(['flag', 'block', 'redact']), 'block')
  assert.equal(strictest(['tokenize', 'flag']), 'tokenize')
})

test('actions are ordered as policy documents them', () => {
  for (let i = 1; i < actions.length; i += 1) assert.ok(stricter(actions[i]!, actions[i - 1]!))
})
