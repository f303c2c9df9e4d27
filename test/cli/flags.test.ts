import assert from 'node:assert/strict'
import { test } from 'node:test'
import { UsageError } from '../../src/cli/command.ts'
import { timeOf, wholeNumber } from '../../src/cli/flags.ts'

test('a count is digits', () => {
  assert.equal(wholeNumber('0'), 0)
  assert.equal(wholeNumber('120'), 120)
  for (const text of ['', '-1', '1.5', 'ten', '1e3', '0x10']) assert.throws(() => wholeNumber(text), UsageError)
})

test('a time is ago or ISO 8601, or not given', () => {
  assert.equal(timeOf('since', undefined), undefined)
  assert.equal(timeOf('since', '2026-01-31'), '2026-01-31T00:00:00.000Z')
  assert.ok(Math.abs(Date.parse(timeOf('since', '2h') ?? '') - (Date.now() - 7_200_000)) < 60_000)
  assert.throws(() => timeOf('until', 'yesterday'), /--until "yesterday" is not a time/)
})
