import assert from 'node:assert/strict'
import { test } from 'node:test'
import { contentFiller } from '../../../src/audit/export/content.ts'
import { contentReader } from '../../../src/audit/bodies/read-content.ts'
import { openStore } from '../../../src/store/open.ts'
import { startRecorder } from '../../../src/audit/recorder.ts'
import { doneRow, openRow } from '../../support/ledger-rows.ts'
import { tempFolder } from '../../support/temp.ts'
import { hash } from 'node:crypto'

test('bodies come as text, what is no text as base64, and what is gone says so', async () => {
  const dir = tempFolder('content')
  const recorder = startRecorder({ dir, durability: 'relaxed', inlineBytes: 1_000 })
  const row = openRow()
  const requestBody = '{"prompt":"ping"}'
  recorder.once(row, doneRow(row.id, { requestBody, requestSha256: hash('sha256', requestBody), responseBody: null }))
  const binary = openRow()
  recorder.once(
    binary,
    doneRow(binary.id, {
      requestBody: 'x',
      requestSha256: hash('sha256', 'something else'),
      responseBody: null,
    }),
  )
  await recorder.close()
  const db = openStore({ dir, durability: 'relaxed' })
  const fill = contentFiller(db, contentReader({ dir, keys: [] }))
  const whole = await fill({ id: row.id, host: 'h' })
  assert.deepEqual(whole, { id: row.id, host: 'h', request_body: requestBody, response_body: null })
  const altered = await fill({ id: binary.id })
  assert.equal(altered.request_body, null)
  assert.match(String(altered.request_body_missing), /SHA-256/)
  assert.deepEqual(await fill({ id: 'none' }), { id: 'none', request_body: null, response_body: null })
  const bytes = Buffer.from([0xff, 0x00])
  const raw = contentFiller(db, { read: async () => ({ kind: 'content', bytes }) })
  const odd = await raw({ id: row.id })
  assert.deepEqual([odd.request_body, odd.request_body_base64], [null, '/wA='])
  db.close()
})
