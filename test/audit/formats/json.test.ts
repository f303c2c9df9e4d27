import assert from 'node:assert/strict'
import { test } from 'node:test'
import { json } from '../../../src/audit/formats/json.ts'
import { fullRow } from '../../support/full-rows.ts'

test('a row keeps its columns, their order and their null values, and says its table and block', () => {
  const row = { id: 'a', at: '2026-11-20T19:41:55.727Z', host: null, findings: [{ type: 'EMAIL' }], stream: 0 }
  assert.equal(
    json.lines({ table: 'exchanges', row, block: 7 })[0],
    '{"table":"exchanges","id":"a","at":"2026-11-20T19:41:55.727Z","host":null,"findings":[{"type":"EMAIL"}],"stream":0,"block":7}',
  )
})

test('the statement of a checkpoint stays the text that was signed', () => {
  const out = fullRow('checkpoints')
  const line = JSON.parse(json.lines(out)[0]) as { statement: unknown }
  assert.equal(line.statement, out.row.statement)
})
