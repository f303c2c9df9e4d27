import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import Database from 'better-sqlite3'
import { bodyKeeper } from '../../src/audit/bodies/body.ts'
import { contentReader } from '../../src/audit/bodies/read-content.ts'
import { startRecorder } from '../../src/audit/recorder.ts'
import type { Value } from '../../src/audit/rows.ts'
import type { Side } from '../../src/audit/bodies/seal.ts'
import { spillName } from '../../src/audit/bodies/spill-file.ts'
import { databasePath } from '../../src/store/open.ts'
import { doneRow, openRow } from '../support/ledger-rows.ts'
import { tempFolder } from '../support/temp.ts'

// The ledger with `audit.encryption`: rows, files of the recorder's thread, files of streams.

const key = { id: 'k1', key: randomBytes(32) }
const sha256 = (content: Uint8Array | string): string => createHash('sha256').update(content).digest('hex')
const secret = 'words that nobody may read '

function rowsOf(dir: string): Record<string, Value>[] {
  const db = new Database(databasePath(dir), { readonly: true })
  try {
    return db.prepare<[], Record<string, Value>>('SELECT * FROM exchanges ORDER BY seq').all()
  } finally {
    db.close()
  }
}

/** Every file in the folder, its own compression undone by nothing: what a thief would look at. */
function filesWith(dir: string, text: string): string[] {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => readFileSync(path).includes(text))
}

async function contentOf(dir: string, row: Record<string, Value>, side: Side): Promise<string> {
  const read = await contentReader({ dir, keys: [key] }).read(row, side)
  return read.kind === 'content' ? read.bytes.toString() : `${read.kind} ${JSON.stringify(read)}`
}

test('inline bodies are sealed in their rows, known at first, at the end, or both', async () => {
  const dir = tempFolder('sealed')
  const recorder = startRecorder({ dir, durability: 'crash', inlineBytes: 65_536, key })
  const body = (what: string): string => `${secret}${what}`
  const request = (what: string) => ({ requestBody: body(what), requestSha256: sha256(body(what)) })
  const response = (what: string) => ({ responseBody: body(what), responseSha256: sha256(body(what)) })
  const nothing = { requestBody: null, responseBody: null }
  const [first, late, once, bare] = [openRow(), openRow(), openRow(), openRow()]
  await recorder.open({ ...first, ...request('first') })
  recorder.done(doneRow(first.id, { ...nothing, ...response('first answer') }))
  await recorder.open(late)
  recorder.done(doneRow(late.id, { ...nothing, ...request('late') }))
  recorder.once({ ...once, ...request('once') }, doneRow(once.id, { ...nothing, ...response('once answer') }))
  recorder.once(bare, doneRow(bare.id, nothing))
  await recorder.flush()
  assert.deepEqual(filesWith(dir, secret.slice(0, 12)), [])
  const rows = rowsOf(dir)
  assert.deepEqual(
    rows.map((row) => row['body_key']),
    ['k1', 'k1', 'k1', null],
  )
  assert.deepEqual(await Promise.all(rows.map((row) => contentOf(dir, row, 'request'))), [
    body('first'),
    body('late'),
    body('once'),
    'none {"kind":"none"}',
  ])
  assert.equal(await contentOf(dir, rows[0]!, 'response'), body('first answer'))
  assert.equal(await contentOf(dir, rows[2]!, 'response'), body('once answer'))
  assert.equal(rows[0]?.['request_sha256'], sha256(body('first')))
  await recorder.close()
})

test('files are sealed, those of whole bodies and those of streams, and their rows name the key', async () => {
  const dir = tempFolder('sealed')
  const recorder = startRecorder({ dir, durability: 'power', inlineBytes: 100, key })
  const whole = Buffer.from(secret.repeat(10_000))
  const row = openRow()
  await recorder.open({ ...row, requestContent: whole, requestSpill: spillName(row.id, 'request') })
  const place = { capture: true, store: 'full', inlineBytes: 100, maxBytes: 10_000_000, id: row.id } as const
  const keeper = bodyKeeper({ ...place, dir, side: 'response', key, sync: true })
  for (let i = 0; i < 50; i += 1) await keeper.write(Buffer.from(`${i} ${secret.repeat(500)}`))
  const kept = await keeper.finish()
  recorder.done(
    doneRow(row.id, {
      requestBody: null,
      responseBody: null,
      responseSpill: kept.spill,
      responseSha256: kept.sha256,
    }),
  )
  await recorder.close()
  const [stored = {}] = rowsOf(dir)
  assert.deepEqual([stored['body_key'], stored['state']], ['k1', 'done'])
  assert.equal(await contentOf(dir, stored, 'request'), whole.toString())
  const answer = await contentOf(dir, stored, 'response')
  assert.equal(answer.length, kept.bytes)
  assert.ok(answer.startsWith(`0 ${secret}`) && answer.includes(`49 ${secret}`))
  for (const side of ['request', 'response'])
    assert.equal(readFileSync(join(dir, String(stored[`${side}_spill`]))).toString('latin1', 0, 3), 'SPB')
})

test('a file that cannot be written leaves a row without a key, which says why', async () => {
  const dir = tempFolder('sealed')
  const recorder = startRecorder({ dir, durability: 'crash', inlineBytes: 100, key })
  const row = openRow()
  const content = Buffer.from(secret)
  await recorder.open({ ...row, requestContent: content, requestSpill: `bodies\0/${row.id}.request` })
  recorder.done(doneRow(row.id, { requestBody: null, responseBody: null }))
  await recorder.close()
  const [stored] = rowsOf(dir)
  assert.deepEqual([stored?.['body_key'], stored?.['request_spill']], [null, null])
  assert.match(String(stored?.['error']), /request body not kept: ERR_INVALID_ARG_VALUE/)
})
