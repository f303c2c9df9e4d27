import assert from 'node:assert/strict'
import { test } from 'node:test'
import { statsOf } from '../../../src/audit/find/ledger-stats.ts'
import { startRecorder } from '../../../src/audit/recorder.ts'
import { openStoreForReading } from '../../../src/store/open.ts'
import { connectionRow, doneRow, openRow } from '../../support/ledger-rows.ts'
import { tempFolder } from '../../support/temp.ts'

async function store() {
  const dir = tempFolder('ledger')
  const recorder = startRecorder({ dir, durability: 'relaxed', inlineBytes: 1_000 })
  for (let i = 1; i <= 100; i += 1) {
    const row = openRow({ provider: i <= 60 ? 'openai' : 'anthropic', model: i <= 60 ? 'gpt' : null })
    const findings = i % 2 === 0 ? '[{"type":"EMAIL"},{"type":"IBAN"}]' : '[{"type":"EMAIL"}]'
    recorder.once(row, doneRow(row.id, { durationMs: i, addedMs: null, findings, costUsd: i === 100 ? null : 0.5 }))
  }
  recorder.connection(connectionRow())
  await recorder.close()
  return { dir, db: openStoreForReading({ dir }) }
}

test('stats count, add up and rank', async () => {
  const place = await store()
  assert.deepEqual(statsOf(place, {}), {
    exchanges: 100,
    decisions: { allow: 100 },
    states: { done: 100 },
    providers: { openai: 60, anthropic: 40 },
    models: { gpt: 60 },
    findings: { EMAIL: 100, IBAN: 50 },
    connections: { tunnel: 1 },
    tokens: { input: 500, cached: 0, cache_write: 0, output: 700, reasoning: 0 },
    cost_usd: 49.5,
    unpriced: 1,
    duration_ms: { p50: 51, p99: 100 },
    first_byte_ms: { p50: 12.5, p99: 12.5 },
    added_ms: { p50: null, p99: null },
  })
  place.db.close()
})

test('stats take the same filters, and count connections only where these fit them', async () => {
  const place = await store()
  const some = statsOf(place, { provider: 'openai' })
  assert.deepEqual([some.exchanges, some.duration_ms, some.connections], [60, { p50: 31, p99: 60 }, {}])
  const none = statsOf(place, { host: 'nowhere.example' })
  assert.deepEqual([none.exchanges, none.cost_usd, none.connections], [0, null, {}])
  place.db.close()
})
