import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import Database from 'better-sqlite3'
import { openSnapshot } from '../../src/audit/snapshot.ts'
import { SallyportError } from '../../src/core/errors.ts'
import { newEventId } from '../../src/core/ids.ts'
import { databasePath, openStore } from '../../src/store/open.ts'
import { recordEvent } from '../../src/store/events.ts'
import { tempFolder } from '../support/temp.ts'

const event = (dir: string): void =>
  recordEvent(
    { dir, durability: 'crash' },
    { id: newEventId(Date.now()), at: '', who: 'ada', what: 'policy.reload', before: null, after: null },
  )

const events = (db: Database.Database): unknown => db.prepare('SELECT count(*) FROM events').pluck().get()

test('it stays as it was while others write', () => {
  const dir = tempFolder('snapshot')
  event(dir)
  const { db, path, close } = openSnapshot(databasePath(dir))
  assert.equal(path, databasePath(dir))
  event(dir)
  assert.equal(events(db), 1)
  close()
})

test('where SQLite cannot write beside the database a copy is read, and removed', () => {
  const dir = tempFolder('snapshot')
  const writer = openStore({ dir, durability: 'crash' })
  event(dir)
  const copy = tempFolder('copy')
  writer.exec(`VACUUM INTO '${copy}/sallyport.db'`)
  writer.close()
  new Database(databasePath(copy)).exec('PRAGMA journal_mode = WAL').close()
  // What SQLite wants to make has the name of a folder, which nobody can write to: as on a medium that is read only.
  mkdirSync(`${databasePath(copy)}-wal`)
  const { db, path, close } = openSnapshot(databasePath(copy))
  assert.notEqual(path, databasePath(copy))
  assert.equal(events(db), 1)
  close()
  assert.throws(() => new Database(path, { fileMustExist: true }))
})

test('what is not there, is no database, or has no chain is an error', () => {
  const dir = tempFolder('none')
  const open = (): unknown => openSnapshot(databasePath(dir))
  const coded = (code: string) => (thrown: unknown) => thrown instanceof SallyportError && thrown.code === code
  assert.throws(open, coded('ledger_unavailable'))
  writeFileSync(databasePath(dir), 'no database, but a text that is long enough to be read as one'.repeat(20))
  assert.throws(open, coded('ledger_corrupt'))
  writeFileSync(databasePath(dir), '')
  assert.throws(open, /has no chain/)
})
