import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { closeSync, cpSync, openSync, renameSync, rmSync, statSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import Database from 'better-sqlite3'
import { type Recorder, type RecorderNotice, startRecorder } from '../../src/audit/recorder.ts'
import { SallyportError } from '../../src/core/errors.ts'
import { databasePath, openStore } from '../../src/store/open.ts'
import { deadOwners } from '../../src/store/owners.ts'
import { doneRow, openRow } from '../support/ledger-rows.ts'
import { tempFolder } from '../support/temp.ts'

function start(dir: string, patienceMs = 5_000): { recorder: Recorder; notices: RecorderNotice[] } {
  const notices: RecorderNotice[] = []
  const notice = (one: RecorderNotice): unknown => notices.push(one)
  return { recorder: startRecorder({ dir, durability: 'crash', inlineBytes: 65_536, patienceMs, notice }), notices }
}

function idsIn(path: string): unknown[] {
  const db = new Database(path, { readonly: true })
  const ids = db.prepare('SELECT id FROM exchanges ORDER BY seq').pluck().all()
  db.close()
  return ids
}

const has = (code: string) => (thrown: unknown) => thrown instanceof SallyportError && thrown.code === code

test('a ledger that is removed or replaced is noticed before a row is told as committed, and a ledger is in its place', async () => {
  const cases: Record<string, (dir: string) => void> = {
    'the folder is removed': (dir) => rmSync(dir, { recursive: true }),
    'the folder is moved': (dir) => renameSync(dir, `${dir}.moved`),
    'the file is removed': (dir) => rmSync(databasePath(dir)),
    'the file is removed with its log': (dir) =>
      ['', '-wal', '-shm'].forEach((suffix) => rmSync(databasePath(dir) + suffix)),
    'another ledger takes its place': (dir) => {
      const other = join(dir, '..', 'other')
      openStore({ dir: other, durability: 'crash' }).close()
      rmSync(dir, { recursive: true })
      cpSync(other, dir, { recursive: true })
    },
  }
  for (const [name, spoil] of Object.entries(cases)) {
    const dir = join(tempFolder('ledger'), 'data')
    const { recorder, notices } = start(dir)
    await recorder.open(openRow())
    spoil(dir)
    const rows = [openRow(), openRow()]
    for (const row of rows) await recorder.open(row)
    for (const row of rows) recorder.done(doneRow(row.id))
    await recorder.flush()
    assert.ok(recorder.available(), name)
    assert.deepEqual(
      notices.map(({ kind }) => kind),
      ['unavailable', 'replaced', 'recovered'],
      name,
    )
    assert.deepEqual(
      idsIn(databasePath(dir)),
      rows.map(({ id }) => id),
      name,
    )
    assert.equal(statSync(dir).mode & 0o777, 0o700, name)
    assert.equal(statSync(databasePath(dir)).mode & 0o777, 0o600, name)
    const db = openStore({ dir, durability: 'crash' })
    const registered = db.prepare('SELECT id FROM processes WHERE id = ?').pluck().get(recorder.owner)
    assert.deepEqual([registered, deadOwners(db, dir)], [recorder.owner, []], name)
    db.close()
    await recorder.close()
  }
})

test('two recorders of one folder that is removed go on in one new ledger, each under a number of its own', async () => {
  const dir = join(tempFolder('ledger'), 'data')
  const both = [start(dir).recorder, start(dir).recorder] as const
  for (const file of ['', '-wal', '-shm']) rmSync(databasePath(dir) + file, { force: true })
  // The second one first: the number 1, which it would get, is still held by the other.
  const rows = [openRow(), openRow()]
  await both[1].open(rows[0]!)
  await both[0].open(rows[1]!)
  assert.notEqual(both[0].owner, both[1].owner)
  const db = openStore({ dir, durability: 'crash' })
  assert.deepEqual(deadOwners(db, dir), [])
  db.close()
  assert.deepEqual(
    idsIn(databasePath(dir)),
    rows.map(({ id }) => id),
  )
  for (const recorder of both) await recorder.close()
})

test('while no ledger can be made in place of the removed one, it is an outage that ends by itself', async () => {
  const parent = tempFolder('ledger')
  const dir = join(parent, 'data')
  const { recorder, notices } = start(dir, 2_000)
  await recorder.open(openRow())
  rmSync(dir, { recursive: true })
  // A file where the folder should be stops everybody, root too.
  closeSync(openSync(dir, 'w'))
  const caught = openRow()
  await assert.rejects(recorder.open(caught), has('ledger_unavailable'))
  assert.equal(recorder.available(), false)
  rmSync(dir)
  while (!recorder.available()) await new Promise((resolve) => setTimeout(resolve, 5))
  await recorder.open(openRow())
  assert.equal(idsIn(databasePath(dir))[0], caught.id)
  assert.deepEqual(
    notices.map(({ kind }) => kind),
    ['unavailable', 'replaced', 'recovered'],
  )
  await recorder.close()
})

function spoilBeginning(dir: string): void {
  const file = openSync(databasePath(dir), 'r+')
  writeSync(file, randomBytes(65_536), 0, 65_536, 0)
  closeSync(file)
}

test('garbage over the beginning of the file is an outage, and ledger_corrupt at the next start', async () => {
  const dir = tempFolder('ledger')
  const { recorder } = start(dir, 2_000)
  await recorder.open(openRow())
  spoilBeginning(dir)
  await assert.rejects(async () => {
    for (;;) await recorder.open(openRow())
  }, has('ledger_unavailable'))
  assert.equal(recorder.available(), false)
  await assert.rejects(recorder.close())
  assert.throws(() => start(dir), has('ledger_corrupt'))
})

test('what happens to the files while nothing is written is noticed within seconds, and mended', async () => {
  const cases: Record<string, { spoil: (dir: string) => void; kept: boolean }> = {
    'the file is removed': { spoil: (dir) => rmSync(databasePath(dir)), kept: false },
    'the log is removed': { spoil: (dir) => rmSync(`${databasePath(dir)}-wal`), kept: true },
    'log and index are removed': {
      spoil: (dir) => ['-wal', '-shm'].forEach((suffix) => rmSync(databasePath(dir) + suffix)),
      kept: true,
    },
    'the folder is moved': { spoil: (dir) => renameSync(dir, `${dir}.moved`), kept: false },
  }
  for (const [name, { spoil, kept }] of Object.entries(cases)) {
    const dir = join(tempFolder('ledger'), 'data')
    const { recorder, notices } = start(dir)
    const rows = [openRow(), openRow(), openRow()]
    for (const row of rows.slice(0, 2)) await recorder.open(row)
    spoil(dir)
    while (!notices.some(({ kind }) => kind === 'recovered')) await new Promise((resolve) => setTimeout(resolve, 20))
    await recorder.open(rows[2]!)
    const ids = rows.map(({ id }) => id)
    assert.deepEqual(idsIn(databasePath(dir)), kept ? ids : ids.slice(2), name)
    await recorder.close()
    const db = new Database(databasePath(dir), { readonly: true })
    assert.equal(db.pragma('integrity_check', { simple: true }), 'ok', name)
    db.close()
  }
})
