import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import Database from 'better-sqlite3'
import { bodyKeeper } from '../../src/audit/bodies/body.ts'
import { startRecorder } from '../../src/audit/recorder.ts'
import type { ExchangeDone, ExchangeOpen, Value } from '../../src/audit/rows.ts'
import { type Side, spillName } from '../../src/audit/bodies/spill-file.ts'
import { databasePath } from '../../src/store/open.ts'
import { doneRow, openRow } from '../support/ledger-rows.ts'
import { spilledContent } from '../support/spilled.ts'
import { tempFolder } from '../support/temp.ts'

// Bodies that the engine has whole: the recorder's thread puts them into their files.

const sha256 = (content: Uint8Array): string => createHash('sha256').update(content).digest('hex')

function start(over: { dir?: string; queueBytes?: number; durability?: 'crash' | 'power' } = {}) {
  const dir = over.dir ?? tempFolder('bodies')
  return { dir, recorder: startRecorder({ dir, durability: 'crash', inlineBytes: 65_536, ...over }) }
}

function rowsOf(dir: string): Record<string, Value>[] {
  const db = new Database(databasePath(dir), { readonly: true })
  try {
    return db.prepare<[], Record<string, Value>>('SELECT * FROM exchanges ORDER BY seq').all()
  } finally {
    db.close()
  }
}

function withRequest(content: Uint8Array, row: ExchangeOpen = openRow()): ExchangeOpen {
  return { ...row, requestContent: content, requestSpill: spillName(row.id, 'request'), requestBytes: content.length }
}

function withResponse(id: string, content: Uint8Array, over: Partial<ExchangeDone> = {}): ExchangeDone {
  const named = { responseContent: content, responseSpill: spillName(id, 'response') }
  return doneRow(id, { requestBody: null, responseBody: null, ...named, ...over })
}

function assertKept(dir: string, row: Record<string, Value>, side: Side, content: Uint8Array): void {
  const name = String(row[`${side}_spill`])
  assert.ok(spilledContent(dir, name).equals(content))
  assert.equal(row[`${side}_sha256`], sha256(content))
  assert.equal(row[`${side}_body`], null)
  assert.equal(statSync(join(dir, name)).mode & 0o777, 0o600)
}

test('when open resolves the row and the file it names are there, and the end does not lose it', async () => {
  for (const durability of ['crash', 'power'] as const) {
    const { dir, recorder } = start({ durability })
    const [request, response] = [Buffer.alloc(200_000, 'question '), Buffer.alloc(300_000, 'answer ')]
    const row = withRequest(request)
    await recorder.open(row)
    const [opened = {}] = rowsOf(dir)
    assert.deepEqual([opened.state, opened.error], ['open', null])
    assertKept(dir, opened, 'request', request)
    // The engine names the request's file once more, without knowing its sum.
    recorder.done(withResponse(row.id, response, { requestSpill: row.requestSpill, error: 'an error' }))
    await recorder.close()
    const [ended = {}] = rowsOf(dir)
    assert.deepEqual([ended.state, ended.error], ['done', 'an error'])
    assertKept(dir, ended, 'request', request)
    assertKept(dir, ended, 'response', response)
  }
})

test('an exchange that was never forwarded has its bodies in files too', async () => {
  const { dir, recorder } = start()
  const [request, response] = [randomBytes(70_000), randomBytes(80_000)]
  const row = withRequest(request)
  recorder.once(row, withResponse(row.id, response))
  await recorder.close()
  const [written = {}] = rowsOf(dir)
  assertKept(dir, written, 'request', request)
  assertKept(dir, written, 'response', response)
})

test('many rows of one batch have each their own file', async () => {
  const { dir, recorder } = start()
  const contents = Array.from({ length: 60 }, (_, i) => randomBytes(1_000 * i))
  const rows = contents.map((content) => withRequest(content))
  await Promise.all(rows.map((row) => recorder.open(row)))
  await recorder.close()
  for (const [i, row] of rowsOf(dir).entries()) assertKept(dir, row, 'request', contents[i] as Buffer)
  assert.equal(rowsOf(dir).length, 60)
})

test('the file is there before the row can be', async () => {
  const { dir, recorder } = start()
  const other = new Database(databasePath(dir))
  other.exec('BEGIN IMMEDIATE')
  const row = withRequest(randomBytes(100_000))
  const opened = recorder.open(row)
  while (!existsSync(join(dir, String(row.requestSpill)))) await new Promise((resolve) => setTimeout(resolve, 5))
  assert.deepEqual(rowsOf(dir), [])
  other.exec('COMMIT')
  other.close()
  await opened
  assert.equal(rowsOf(dir)[0]?.request_spill, row.requestSpill)
  await recorder.close()
})

test('without its file the row is written all the same, and says why', async () => {
  const { dir, recorder } = start()
  writeFileSync(join(dir, 'bodies'), 'in the way')
  const [first, second, third, fourth] = Array.from({ length: 4 }, () => withRequest(randomBytes(70_000)))
  for (const row of [first, second, third]) await recorder.open(row as ExchangeOpen)
  recorder.done(doneRow(second!.id, { requestBody: null, responseBody: null, requestSpill: second!.requestSpill }))
  recorder.done(withResponse(third!.id, randomBytes(70_000), { error: 'upstream_reset' }))
  recorder.once(fourth!, withResponse(fourth!.id, randomBytes(70_000), { error: 'sallyport_blocked' }))
  await recorder.flush()
  const rows = rowsOf(dir)
  for (const row of rows) {
    assert.deepEqual([row.request_spill, row.request_sha256, row.request_bytes !== null], [null, null, true])
    assert.deepEqual([row.response_spill, row.response_sha256], [null, null])
  }
  const [request, response] = ['request body not kept: ENOTDIR', 'response body not kept: ENOTDIR']
  assert.deepEqual(
    rows.map(({ error }) => error),
    [request, request, `upstream_reset; ${response}; ${request}`, `sallyport_blocked; ${request}; ${response}`],
  )
  rmSync(join(dir, 'bodies'))
  const content = randomBytes(70_000)
  await recorder.open(withRequest(content))
  await recorder.close()
  assertKept(dir, rowsOf(dir).at(-1) ?? {}, 'request', content)
})

test('content counts in the queue: it asks for patience, and what cannot wait goes without', async () => {
  const { dir, recorder } = start({ queueBytes: 100_000 })
  const rows = Array.from({ length: 3 }, () => withRequest(randomBytes(90_000)))
  await recorder.open(rows[0] as ExchangeOpen)
  const other = new Database(databasePath(dir))
  other.exec('BEGIN IMMEDIATE')
  const opens = [recorder.open(rows[1] as ExchangeOpen), recorder.open(rows[2] as ExchangeOpen)]
  assert.ok(recorder.stats().queuedBytes > 180_000)
  assert.ok(recorder.pressure() instanceof Promise)
  const late = withRequest(randomBytes(90_000))
  opens.push(recorder.open(late))
  assert.ok(recorder.stats().queuedBytes < 190_000)
  const more = withRequest(randomBytes(50_000))
  recorder.once(more, doneRow(more.id))
  recorder.done(withResponse(rows[0]!.id, randomBytes(50_000)))
  other.exec('COMMIT')
  other.close()
  await Promise.all(opens)
  await recorder.close()
  const stored = rowsOf(dir)
  const [first] = stored
  assert.deepEqual([first?.state, first?.response_spill], ['done', null])
  assert.match(String(first?.error), /bodies not kept/)
  assertKept(dir, first ?? {}, 'request', rows[0]!.requestContent as Buffer)
  assertKept(dir, stored.find(({ id }) => id === late.id) ?? {}, 'request', late.requestContent as Buffer)
})

test('of a body larger than maxBytes the beginning is kept, and the row says so', async () => {
  const { dir, recorder } = start()
  const row = openRow()
  const content = Buffer.alloc(20_000_000, 'all that was said ')
  const keeping = { capture: true, store: 'redacted', inlineBytes: 65_536, maxBytes: 16_777_216 } as const
  const kept = bodyKeeper({ ...keeping, dir, id: row.id, side: 'request' }).whole(content)
  await recorder.open({
    ...row,
    requestBytes: kept.bytes,
    requestBody: kept.inline,
    requestSpill: kept.spill,
    requestContent: kept.content,
    requestSha256: kept.sha256,
    requestTruncated: kept.truncated,
  })
  await recorder.close()
  const [stored = {}] = rowsOf(dir)
  assert.deepEqual([stored.request_bytes, stored.request_truncated], [20_000_000, 1])
  assertKept(dir, stored, 'request', content.subarray(0, 16_777_216))
})

const childFile = fileURLToPath(new URL('../support/ledger-child.ts', import.meta.url))

test('kill -9 at any moment leaves no row without its file, and a file for every open that resolved', async () => {
  for (const printedBefore of [1, 7, 20]) {
    const dir = tempFolder('bodies')
    const command = ['--disable-warning=ExperimentalWarning', childFile, dir, '100000', 'leave', '100000']
    const victim = spawn(process.execPath, command, { stdio: ['ignore', 'pipe', 'inherit'] })
    let printed = ''
    for await (const chunk of victim.stdout) {
      printed += String(chunk)
      if (printed.split('\n').length > printedBefore) break
    }
    victim.kill('SIGKILL')
    await once(victim, 'exit')
    const rows = new Map(rowsOf(dir).map((row) => [row.id, row]))
    for (const id of printed.split('\n').slice(0, -1)) assert.ok(rows.has(id))
    for (const row of rows.values()) {
      const content = spilledContent(dir, String(row.request_spill))
      assert.equal(row.request_sha256, sha256(content))
      assert.equal(content.length, 100_000)
    }
  }
})
