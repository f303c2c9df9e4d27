import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openStore } from '../../../src/store/open.ts'
import { ledger } from '../../../src/store/migrations/001-ledger.ts'
import { tempFolder } from '../../support/temp.ts'

const contract = {
  exchanges: `id at door client_ip principal process host port method path http_version upstream_http_version provider operation model
    stream status decision rule findings hooks request_bytes response_bytes first_byte_ms duration_ms added_ms input_tokens
    cached_tokens cache_write_tokens output_tokens reasoning_tokens cost_usd finish_reason upstream_id cache tools request_body
    response_body request_spill response_spill request_sha256 response_sha256 state error policy attestation connection_id trace_id`,
  connections: `id at client_ip principal host port sni alpn handling reason bytes_up bytes_down duration_ms error attestation`,
  events: `id at who what before after`,
}

test('the tables have the columns of the contract', () => {
  assert.equal(ledger.version, 1)
  const db = openStore({ dir: tempFolder(), durability: 'crash' })
  for (const [table, columns] of Object.entries(contract)) {
    const there = new Set(db.prepare<[string], string>('SELECT name FROM pragma_table_info(?)').pluck().all(table))
    for (const column of columns.split(/\s+/)) assert.ok(there.has(column), `${table}.${column}`)
  }
  db.close()
})

test('an id is in a table once, and a place in the order is never used again', () => {
  const db = openStore({ dir: tempFolder(), durability: 'crash' })
  const insert = db.prepare(`INSERT INTO events (id, at, who, what) VALUES (?, 'now', 'me', 'test')`)
  const first = insert.run('a').lastInsertRowid
  assert.throws(() => insert.run('a'), /UNIQUE/)
  db.exec('DELETE FROM events')
  assert.ok(insert.run('b').lastInsertRowid > first)
  db.close()
})
