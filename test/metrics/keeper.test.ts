import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createKeeperMetrics, keeperMetrics } from '../../src/metrics/keeper.ts'

test('figures are set and added to by name', async () => {
  const metrics = createKeeperMetrics()
  assert.ok(metrics.set('ledger_bytes', 4_096, { part: 'rows' }))
  assert.ok(metrics.set('ledger_bytes', 8_192, { part: 'rows' }))
  assert.ok(metrics.add('ledger_removed_rows_total', 2, { table: 'events' }))
  assert.ok(metrics.add('ledger_removed_rows_total', 3, { table: 'events' }))
  const text = await metrics.registry.metrics()
  assert.match(text, /^sallyport_ledger_bytes\{part="rows"\} 8192$/m)
  assert.match(text, /^sallyport_ledger_removed_rows_total\{table="events"\} 5$/m)
})

test('what is not declared, or only grows, cannot be set', () => {
  const metrics = createKeeperMetrics()
  assert.equal(metrics.set('ledger_dragons', 1, {}), false)
  assert.equal(metrics.add('ledger_dragons', 1, {}), false)
  assert.equal(metrics.set('ledger_removed_rows_total', 1, { table: 'events' }), false)
})

test('counters, and they alone, end in total', () => {
  for (const [name, [kind]] of Object.entries(keeperMetrics)) assert.equal(kind === 'counter', name.endsWith('_total'))
})
