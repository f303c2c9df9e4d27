import assert from 'node:assert/strict'
import { test } from 'node:test'
import { statsKeys } from '../../../src/audit/find/ledger-groups.ts'
import { statsOf } from '../../../src/audit/find/ledger-stats.ts'
import { type Columns, writtenLedger } from '../../support/written-ledger.ts'

const priced: Columns = {
  input_tokens: 1,
  cached_tokens: 2,
  cache_write_tokens: 4,
  output_tokens: 8,
  reasoning_tokens: 16,
  cost_usd: 0.5,
}

test('groups add up by column, by time and by the types of findings', () => {
  const ledger = writtenLedger()
  const both = '[{"type":"EMAIL"},{"type":"EMAIL"},{"type":"IBAN"}]'
  ledger.exchanges(
    { ...priced, model: 'a', at: '2026-01-01T10:59:59.999Z', decision: 'block', findings: both },
    { ...priced, model: 'b', at: '2026-01-01T11:00:00.000Z', findings: '[{"type":"EMAIL"}]' },
    { model: 'b', at: '2026-02-01T11:00:00.000Z', output_tokens: 1 },
    { at: '2026-01-01T10:00:00.000Z' },
  )
  const names = (by: (typeof statsKeys)[number]) =>
    statsOf(ledger, {}, by).groups?.map(({ name, exchanges }) => `${name} ${exchanges}`)
  assert.deepEqual(names('model'), ['b 2', 'a 1'])
  assert.deepEqual(names('hour'), ['2026-01-01T10 2', '2026-01-01T11 1', '2026-02-01T11 1'])
  assert.deepEqual(names('day'), ['2026-01-01 3', '2026-02-01 1'])
  assert.deepEqual(names('month'), ['2026-01 3', '2026-02 1'])
  assert.deepEqual(names('finding'), ['EMAIL 2', 'IBAN 1'])
  assert.deepEqual(
    statsOf(ledger, { decision: 'block' }, 'model').groups?.map(({ name }) => name),
    ['a'],
  )
  assert.deepEqual(statsOf(ledger, {}, 'model').groups, [
    {
      name: 'b',
      exchanges: 2,
      with_findings: 1,
      blocked: 0,
      input_tokens: 7,
      output_tokens: 25,
      cost_usd: 0.5,
      unpriced: 1,
    },
    {
      name: 'a',
      exchanges: 1,
      with_findings: 1,
      blocked: 1,
      input_tokens: 7,
      output_tokens: 24,
      cost_usd: 0.5,
      unpriced: 0,
    },
  ])
  for (const by of statsKeys) assert.ok(Array.isArray(statsOf(ledger, {}, by).groups), by)
  ledger.close()
})
