import assert from 'node:assert/strict'
import { test } from 'node:test'
import { segmentOf, segmentsOf } from '../../../src/audit/find/segment.ts'
import { writtenLedger } from '../../support/written-ledger.ts'

test('a segment has the words, numbers and types of its rows', () => {
  const ledger = writtenLedger()
  const findings = '[{"type":"EMAIL","start":1},{"type":"IBAN"},{}]'
  const seqs = ledger.exchanges(
    { model: 'gpt', at: '2026-01-02T00:00:00.000Z', status: 200, cost_usd: 0.5, findings },
    { at: '2026-01-01T00:00:00.000Z', findings: 'no JSON' },
    { state: 'open' },
  )
  const segment = segmentOf(ledger.db, 'exchanges', seqs)
  assert.equal(segment.rows, 2)
  assert.deepEqual(segment.words('model'), { names: [null, 'gpt'], codes: Uint16Array.of(1, 0) })
  assert.deepEqual(segment.words('status').names, [null, '200'])
  assert.deepEqual(segment.words('findings').names, [null, '["EMAIL","IBAN",null]', '[]'])
  assert.deepEqual(segment.numbers('cost_usd'), Float64Array.of(0.5, Number.NaN))
  assert.deepEqual(segment.range, {
    minSeq: 1,
    maxSeq: 2,
    minAt: Date.UTC(2026, 0, 1),
    maxAt: Date.UTC(2026, 0, 2),
    minBlock: 1,
    maxBlock: 1,
  })
  assert.equal(segmentOf(ledger.db, 'exchanges', seqs, true).rows, 3)
  assert.deepEqual(
    segmentsOf(ledger.db, 'exchanges', [...seqs, 99], 1).map(({ rows }) => rows),
    [1, 1],
  )
  ledger.close()
})

test('rows are found by their place in the table', () => {
  const ledger = writtenLedger()
  const plan = ledger.db
    .prepare('EXPLAIN QUERY PLAN SELECT at FROM exchanges WHERE seq IN (SELECT value FROM json_each(?))')
    .all('[1]')
  assert.match(JSON.stringify(plan), /SEARCH exchanges USING INTEGER PRIMARY KEY/)
  ledger.close()
})
