import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type EraseTarget, erasable, erase } from '../../../src/audit/keeper/erase.ts'
import { startRecorder } from '../../../src/audit/recorder.ts'
import { spillName } from '../../../src/audit/bodies/spill-file.ts'
import { databasePath } from '../../../src/store/open.ts'
import { doneRow, openRow } from '../../support/ledger-rows.ts'
import { addBlock, ledgerIn, verifiedLedger } from '../../support/old-ledger.ts'
import { tempFolder } from '../../support/temp.ts'

const NOW = Date.UTC(2026, 10, 21)
const { signal } = new AbortController()

const optionsFor = (dir: string, target: EraseTarget) => ({ dir, target, now: () => NOW, who: 'operator' })
const of = (principal: string, before?: string): EraseTarget => ({ kind: 'principal', principal, before })

/** Whether any file of the data folder holds the bytes. */
function holds(dir: string, text: string): string[] {
  const files = readdirSync(dir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  return files.map((file) => join(file.parentPath, file.name)).filter((path) => readFileSync(path).includes(text))
}

test('content of one principal goes, rows stay and say so, and the ledger verifies', async (t) => {
  const dir = tempFolder('erase')
  const db = ledgerIn(dir)
  t.after(() => db.close())
  const hers = addBlock(db, dir, {
    at: NOW - 1_000,
    exchanges: 30,
    inline: 3_000,
    spill: 500,
    principal: 'eve',
    text: 'secret-of-eve',
  })
  const others = addBlock(db, dir, { at: NOW - 500, exchanges: 5, inline: 300, spill: 100, text: 'word-of-ada' })
  assert.deepEqual(erasable(db, of('eve')), { exchanges: 30, files: 30, open: 0 })
  const { bytes, ...erased } = await erase(db, optionsFor(dir, of('eve')), signal)
  assert.deepEqual(erased, { exchanges: 30, files: 30, open: 0, remains: false })
  assert.ok(bytes > 15_000)
  assert.ok(hers.every((id) => !existsSync(join(dir, spillName(id, 'response')))))
  assert.ok(others.every((id) => existsSync(join(dir, spillName(id, 'response')))))
  const sql = `SELECT count(*) FROM exchanges WHERE principal = 'eve' AND erased = ? AND request_sha256 IS NOT NULL`
  assert.equal(db.prepare(sql).pluck().get(new Date(NOW).toISOString()), 30)
  assert.deepEqual(holds(dir, 'secret-of-eve'), [])
  assert.deepEqual(holds(dir, 'word-of-ada'), [databasePath(dir)])
  const event = db
    .prepare<[], { who: string; subject: string; after: string }>(
      `SELECT who, subject, "after" FROM events WHERE what = 'content.erase'`,
    )
    .get()
  assert.deepEqual([event?.who, event?.subject], ['operator', 'eve'])
  assert.deepEqual(JSON.parse(event?.after ?? ''), { principal: 'eve', exchanges: 30, files: 30 })
  // Said first: who is killed in the middle has said it.
  const late = `SELECT count(*) FROM exchanges WHERE erased IS NOT NULL AND principal = 'eve' AND block <
    (SELECT block FROM events WHERE what = 'content.erase')`
  assert.equal(db.prepare(late).pluck().get(), 0)
  const verified = await verifiedLedger(dir)
  assert.ok(verified.ok, JSON.stringify(verified.faults[0]))
  assert.equal(verified.content.erased, 60)
})

test('a second time there is nothing to do, and no event', async (t) => {
  const dir = tempFolder('erase')
  const db = ledgerIn(dir)
  t.after(() => db.close())
  addBlock(db, dir, { at: NOW, exchanges: 2, inline: 30, principal: 'eve' })
  await erase(db, optionsFor(dir, of('eve')), signal)
  assert.equal((await erase(db, optionsFor(dir, of('eve')), signal)).exchanges, 0)
  assert.equal(db.prepare(`SELECT count(*) FROM events`).pluck().get(), 1)
})

test('only before a time, only one exchange, and never what is still open', async (t) => {
  const dir = tempFolder('erase')
  const db = ledgerIn(dir)
  t.after(() => db.close())
  addBlock(db, dir, { at: NOW - 5_000, exchanges: 2, inline: 30, principal: 'eve' })
  const [young = ''] = addBlock(db, dir, { at: NOW, exchanges: 2, inline: 30, principal: 'eve' })
  addBlock(db, dir, { at: NOW - 5_000, exchanges: 1, inline: 30, principal: 'eve', state: 'open' })
  const before = new Date(NOW - 1_000).toISOString()
  const first = await erase(db, optionsFor(dir, of('eve', before)), signal)
  assert.deepEqual([first.exchanges, first.open], [2, 1])
  const second = await erase(db, optionsFor(dir, { kind: 'exchange', id: young }), signal)
  assert.deepEqual([second.exchanges, second.open], [1, 0])
  assert.equal(db.prepare('SELECT count(*) FROM exchanges WHERE request_body IS NOT NULL').pluck().get(), 2)
  assert.ok((await verifiedLedger(dir)).ok)
})

test('while a recorder writes; what it wrote before leaves no copies in free pages', async (t) => {
  const dir = tempFolder('erase')
  const recorder = startRecorder({ dir, durability: 'crash', inlineBytes: 65_536 })
  const body = 'confidential-matter '.repeat(400)
  const ended = new AbortController()
  const started = Promise.withResolvers<void>()
  async function write(): Promise<void> {
    for (let i = 0; !ended.signal.aborted; i += 1) {
      const text = i % 2 === 0 && i < 200 ? body : 'other'
      const sha256 = hash('sha256', text, 'hex')
      const row = openRow({ principal: i % 2 === 0 ? 'eve' : 'ada', requestBody: text, requestSha256: sha256 })
      await recorder.open(row)
      recorder.done(doneRow(row.id, { requestBody: null, responseBody: text, responseSha256: sha256 }))
      if (i === 300) started.resolve()
    }
  }
  const traffic = write()
  await started.promise
  await recorder.flush()
  const db = ledgerIn(dir)
  t.after(() => db.close())
  const erased = await erase(db, optionsFor(dir, of('eve', new Date().toISOString())), signal)
  ended.abort()
  await traffic
  await recorder.close()
  assert.ok(erased.exchanges >= 100)
  assert.equal(erased.remains, false)
  assert.deepEqual(holds(dir, 'confidential-matter'), [])
  const { ok, faults } = await verifiedLedger(dir)
  assert.ok(ok, JSON.stringify(faults[0]))
})
