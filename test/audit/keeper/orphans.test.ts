import assert from 'node:assert/strict'
import { existsSync, mkdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { sweepOrphans } from '../../../src/audit/keeper/orphans.ts'
import { spillName } from '../../../src/audit/bodies/spill-file.ts'
import { uuidv7 } from '../../../src/core/ids.ts'
import type { Store } from '../../../src/store/open.ts'
import { claimOwner } from '../../../src/store/owners.ts'
import { addBlock, ledgerIn } from '../../support/old-ledger.ts'
import { tempFolder } from '../../support/temp.ts'

const NOW = Date.now()
const MINUTE = 60_000
const DAY = 86_400_000
const signal = new AbortController().signal

function start(t: { after: (run: () => void) => void }): { dir: string; db: Store } {
  const dir = tempFolder('orphans')
  const db = ledgerIn(dir)
  t.after(() => db.close())
  return { dir, db }
}

/** A file that was last written so long ago. */
function file(dir: string, name: string, age: number): string {
  const path = join(dir, name)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, 'content')
  utimesSync(path, new Date(NOW - age), new Date(NOW - age))
  return path
}

test('a file goes when no row names it and nobody can come to name it', async (t) => {
  const { dir, db } = start(t)
  const [done = ''] = addBlock(db, dir, { at: NOW, spill: 10 })
  const [named = ''] = addBlock(db, dir, { at: NOW, spill: 10 })
  const [ended = ''] = addBlock(db, dir, { at: NOW })
  const [alive = ''] = addBlock(db, dir, { at: NOW, state: 'open' })
  const [dead = ''] = addBlock(db, dir, { at: NOW, state: 'open' })
  const owner = claimOwner(db, dir, process.pid)
  t.after(() => owner.release())
  db.prepare('UPDATE exchanges SET owner = ? WHERE id = ?').run(owner.id, alive)
  db.prepare(`UPDATE processes SET started = ?`).run(new Date(NOW - 5 * 60 * MINUTE).toISOString())
  const cases: [what: string, name: string, age: number, stays: boolean][] = [
    ['named by its row', spillName(named, 'response'), 3 * DAY, true],
    ['the other side of a row that has ended', spillName(ended, 'request'), 20 * MINUTE, false],
    ['the same, young', spillName(ended, 'response'), 5 * MINUTE, true],
    ['unfinished, of a row that has ended', `${spillName(done, 'request')}.tmp`, 20 * MINUTE, false],
    ['of an exchange that goes on', `${spillName(alive, 'response')}.tmp`, 3 * DAY, true],
    ['of an exchange whose process is dead', spillName(dead, 'response'), 20 * MINUTE, false],
    ['without a row, younger than a process', spillName(uuidv7(NOW), 'request'), 20 * MINUTE, true],
    ['without a row, older than all processes', spillName(uuidv7(NOW), 'request'), 6 * 60 * MINUTE, false],
    ['unfinished without a row, older than all', `${spillName(uuidv7(NOW), 'request')}.tmp`, 6 * 60 * MINUTE, false],
    ['not ours', `${dirname(spillName(done, 'request'))}/notes.txt`, 3 * DAY, true],
  ]
  const paths = cases.map(([, name, age]) => file(dir, name, age))
  const found = await sweepOrphans({ db, dir, now: NOW }, signal)
  for (const [i, [what, , , stays]] of cases.entries()) assert.equal(existsSync(paths[i] ?? ''), stays, what)
  assert.deepEqual(found, { removed: 5, bytes: 5 * 4_096, missing: [], missingCount: 0 })
})

test('what no living process is as old as goes after a day', async (t) => {
  const { dir, db } = start(t)
  const owner = claimOwner(db, dir, process.pid)
  t.after(() => owner.release())
  db.prepare(`UPDATE processes SET started = ?`).run(new Date(NOW - 10 * DAY).toISOString())
  const old = file(dir, spillName(uuidv7(NOW), 'request'), 1.1 * DAY)
  const young = file(dir, spillName(uuidv7(NOW), 'request'), 0.9 * DAY)
  assert.equal((await sweepOrphans({ db, dir, now: NOW }, signal)).removed, 1)
  assert.deepEqual([existsSync(old), existsSync(young)], [false, true])
})

test('rows whose file is missing are told and stay as they are', async (t) => {
  const { dir, db } = start(t)
  const ids = addBlock(db, dir, { at: NOW - 10 * DAY, exchanges: 30, spill: 10 })
  for (const id of ids.slice(5)) rmSync(join(dir, spillName(id, 'response')))
  const before = db.prepare('SELECT * FROM exchanges').all()
  const found = await sweepOrphans({ db, dir, now: NOW }, signal)
  assert.equal(found.missingCount, 25)
  assert.deepEqual(
    found.missing,
    ids.slice(5, 25).map((id) => `${id}.response`),
  )
  assert.deepEqual(db.prepare('SELECT * FROM exchanges').all(), before)
})

test('folders that became empty go, but for those of today and yesterday', async (t) => {
  const { dir, db } = start(t)
  const old = file(dir, spillName(uuidv7(NOW - 400 * DAY), 'request'), 400 * DAY)
  const recent = file(dir, spillName(uuidv7(NOW), 'request'), 3 * DAY)
  await sweepOrphans({ db, dir, now: NOW }, signal)
  assert.deepEqual(
    [existsSync(dirname(dirname(old))), existsSync(recent), existsSync(dirname(recent))],
    [false, false, true],
  )
})

test('a data folder without bodies, and an end before it has begun', async (t) => {
  const { dir, db } = start(t)
  const nothing = { removed: 0, bytes: 0, missing: [], missingCount: 0 }
  assert.deepEqual(await sweepOrphans({ db, dir, now: NOW }, signal), nothing)
  const kept = file(dir, spillName(uuidv7(NOW), 'request'), 3 * DAY)
  assert.deepEqual(await sweepOrphans({ db, dir, now: NOW }, AbortSignal.abort()), nothing)
  assert.ok(existsSync(kept))
})
