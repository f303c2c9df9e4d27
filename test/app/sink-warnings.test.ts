import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sinkWarnings } from '../../src/app/sink-warnings.ts'

test('sinks that fail or are late are warned of, until they are well or no longer there', () => {
  const { figure, warnings, reset } = sinkWarnings()
  figure('ledger_keeper', 0, {})
  figure('export_up', 1, { sink: 'a' })
  figure('export_lag_seconds', 299, { sink: 'a' })
  assert.deepEqual(warnings(), [])
  figure('export_lag_seconds', 301.4, { sink: 'a' })
  figure('export_up', 0, { sink: 'b' })
  assert.deepEqual(warnings(), [
    'export: a is 301 s behind',
    'export: b cannot be delivered to, 0 s behind: `sallyport audit export --status` says why',
  ])
  figure('export_lag_seconds', 0, { sink: 'a' })
  assert.equal(warnings().length, 1)
  reset()
  assert.deepEqual(warnings(), [])
})
