import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import Database from 'better-sqlite3'
import { bundleContent } from '../../../src/audit/bundle/content.ts'
import type { ContentRow } from '../../../src/audit/bodies/read-content.ts'
import { startRecorder } from '../../../src/audit/recorder.ts'
import { spillName } from '../../../src/audit/bodies/spill-file.ts'
import { databasePath } from '../../../src/store/open.ts'
import { doneRow, openRow } from '../../support/ledger-rows.ts'
import { tempFolder } from '../../support/temp.ts'

const content = randomBytes(5_000)

/** A row with a long request and a short response. */
async function stored(key?: { id: string; key: Uint8Array }): Promise<{ dir: string; to: string; row: ContentRow }> {
  const dir = tempFolder('content')
  const to = tempFolder('to')
  mkdirSync(join(to, 'bodies'))
  const recorder = startRecorder({ dir, durability: 'crash', inlineBytes: 64, key })
  const row = openRow()
  const request = {
    requestBody: null,
    requestSpill: spillName(row.id, 'request'),
    requestContent: content,
    requestSha256: null,
  }
  recorder.once(row, doneRow(row.id, request))
  await recorder.close()
  const db = new Database(databasePath(dir))
  const found = db.prepare<[], ContentRow>('SELECT * FROM exchanges').get()!
  db.close()
  return { dir, to, row: found }
}

test('a text stays in its row, all else goes to a file as it was before compression', async () => {
  const { dir, to, row } = await stored()
  const file = `bodies/${String(row.id)}.request`
  assert.deepEqual(await bundleContent({ database: databasePath(dir), dir, to, bodies: true, keys: [] })(row), {
    request: { file },
    response: { text: '{"answer":"pong!"}' },
  })
  assert.deepEqual(readFileSync(join(to, file)), content)
})

test('what is sealed is opened with its key; without it nothing is written, and why is said', async () => {
  const key = { id: 'k1', key: randomBytes(32) }
  const { dir, to, row } = await stored(key)
  assert.deepEqual(await bundleContent({ database: databasePath(dir), dir, to, bodies: true, keys: [] })(row), {
    request: { not: 'sealed' },
    response: { not: 'sealed' },
  })
  assert.deepEqual(readdirSync(join(to, 'bodies')), [])
  await bundleContent({ database: databasePath(dir), dir, to, bodies: true, keys: [key] })(row)
  assert.deepEqual(readFileSync(join(to, `bodies/${String(row.id)}.request`)), content)
  assert.equal(readFileSync(join(to, `bodies/${String(row.id)}.response`), 'utf8'), '{"answer":"pong!"}')
})

test('content that is not there, or not wanted, is said to be so', async () => {
  const { dir, to, row } = await stored()
  assert.deepEqual(
    (await bundleContent({ database: databasePath(dir), dir, to, bodies: false, keys: [] })(row)).request,
    { not: 'skipped' },
  )
  rmSync(join(dir, String(row.request_spill)))
  assert.deepEqual(
    (await bundleContent({ database: databasePath(dir), dir, to, bodies: true, keys: [] })(row)).request,
    { not: 'missing' },
  )
  const bare = { ...row, request_spill: null, request_body: null, response_body: null }
  assert.deepEqual(await bundleContent({ database: databasePath(dir), dir, to, bodies: true, keys: [] })(bare), {})
})

test('content that went while the bundle was written is not missing', async () => {
  const { dir, to, row } = await stored()
  rmSync(join(dir, String(row.request_spill)))
  const db = new Database(databasePath(dir))
  db.exec('DELETE FROM exchanges')
  db.close()
  const content = bundleContent({ database: databasePath(dir), dir, to, bodies: true, keys: [] })
  assert.deepEqual((await content(row)).request, { not: 'skipped' })
})
