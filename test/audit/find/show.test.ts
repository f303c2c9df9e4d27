import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { contentReader } from '../../../src/audit/bodies/read-content.ts'
import { startRecorder } from '../../../src/audit/recorder.ts'
import { showBody, showRow } from '../../../src/audit/find/show.ts'
import { spillName } from '../../../src/audit/bodies/spill-file.ts'
import { openStoreForReading } from '../../../src/store/open.ts'
import { connectionRow, doneRow, openRow } from '../../support/ledger-rows.ts'
import { tempFolder } from '../../support/temp.ts'

const key = { id: 'k1', key: randomBytes(32) }
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')
const id = (n: number): string => `0197a3c2-0000-7000-8000-00000000000${n}`
const binary = Buffer.concat([Buffer.from([0xff, 0x00]), randomBytes(50_000)])

async function ledgerOf(keys = [key]) {
  const dir = tempFolder('show')
  const recorder = startRecorder({ dir, durability: 'crash', inlineBytes: 1_000, key })
  const open = { ...openRow(), requestBody: 'a question', requestSha256: sha256('a question') }
  const response = { responseContent: binary, responseSpill: spillName(id(1), 'response') }
  const nothing = { requestBody: null, responseBody: null }
  recorder.once({ ...open, id: id(1) }, doneRow(id(1), { ...nothing, ...response }))
  recorder.once({ ...openRow(), id: id(2) }, doneRow(id(2), nothing))
  recorder.connection(connectionRow({ id: '0297a3c2-0000-7000-8000-000000000001' }))
  await recorder.close()
  const db = openStoreForReading({ dir })
  return { dir, db, reader: contentReader({ dir, keys }) }
}

test('a row is shown with its bodies opened, by its id or the beginning of it', async () => {
  const { db, reader } = await ledgerOf()
  const shown = await showRow(db, reader, id(1).toUpperCase(), 1_000_000)
  assert.ok(shown.kind === 'row' && shown.unshown.length === 0)
  assert.equal(shown.row['request_body'], 'a question')
  assert.deepEqual([shown.row['response_body'], shown.row['response_body_base64']], [null, binary.toString('base64')])
  const connection = await showRow(db, reader, '0297', 1_000)
  assert.ok(connection.kind === 'row' && connection.table === 'connections')
  assert.deepEqual(await showRow(db, reader, '0197', 1_000), { kind: 'several', ids: [id(1), id(2)] })
  assert.deepEqual(await showRow(db, reader, '0397', 1_000), { kind: 'none' })
  db.close()
})

test('a body that is larger than asked for, sealed by a key that is not there, or gone, is told and not shown', async () => {
  const small = await ledgerOf()
  const large = await showRow(small.db, small.reader, id(1), 1_000)
  assert.ok(large.kind === 'row')
  assert.deepEqual(large.unshown, [{ side: 'response', why: 'too-large', reason: 'it has more than 1000 bytes' }])
  rmSync(join(small.dir, 'bodies'), { recursive: true })
  const gone = await showRow(small.db, small.reader, id(1), 1_000)
  assert.ok(gone.kind === 'row' && /is not there/.test(gone.unshown[0]?.reason ?? ''))
  small.db.close()
  const locked = await ledgerOf([])
  const shown = await showRow(locked.db, locked.reader, id(1), 1_000_000)
  assert.ok(shown.kind === 'row' && shown.unshown.length === 2)
  assert.match(shown.unshown[0]?.reason ?? '', /sealed by the key "k1"/)
  assert.deepEqual([shown.row['request_body'], shown.row['response_body']], [null, null])
  locked.db.close()
})

test('a body comes as it was, in pieces', async () => {
  const { db, reader } = await ledgerOf()
  const body = showBody(db, reader, '0197a3c2-0000-7000-8000-000000000001', 'response')
  assert.ok(body.kind === 'body')
  assert.deepEqual(Buffer.concat(await Array.fromAsync(body.pieces)), binary)
  const none = showBody(db, reader, id(2), 'response')
  assert.ok(none.kind === 'body')
  assert.deepEqual(await Array.fromAsync(none.pieces), [])
  assert.equal(showBody(db, reader, '0197', 'request').kind, 'several')
  db.close()
})
