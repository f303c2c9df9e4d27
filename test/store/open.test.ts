import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import Database from 'better-sqlite3'
import { SallyportError } from '../../src/core/errors.ts'
import { migrate } from '../../src/store/migrate.ts'
import { migrations } from '../../src/store/migrations/index.ts'
import {
  databasePath,
  openStore,
  openStoreForReading,
  outdatedBytes,
  pragmasFor,
  storeError,
} from '../../src/store/open.ts'
import { claimOwner } from '../../src/store/owners.ts'
import { tempFolder } from '../support/temp.ts'

test('a new store is private to its owner', () => {
  const dir = join(tempFolder(), 'deep', 'data')
  const db = openStore({ dir, durability: 'crash' })
  db.exec(`INSERT INTO events (id, at, who, what) VALUES ('e', 'now', 'me', 'test')`)
  for (const suffix of ['', '-wal', '-shm']) assert.equal(statSync(databasePath(dir) + suffix).mode & 0o777, 0o600)
  assert.equal(statSync(dir).mode & 0o777, 0o700)
  db.close()
})

test('a folder that was open to others is narrowed', () => {
  const dir = tempFolder()
  chmodSync(dir, 0o755)
  openStore({ dir, durability: 'crash' }).close()
  assert.equal(statSync(dir).mode & 0o777, 0o700)
})

test('durability sets how SQLite syncs, always with a write-ahead log', () => {
  for (const [durability, synchronous] of [
    ['crash', 1],
    ['power', 2],
    ['relaxed', 0],
  ] as const) {
    const db = openStore({ dir: tempFolder(), durability })
    assert.equal(db.pragma('synchronous', { simple: true }), synchronous, durability)
    assert.equal(db.pragma('journal_mode', { simple: true }), 'wal')
    assert.ok(pragmasFor(durability).length > 0)
    db.close()
  }
})

test('what is not a database is ledger_corrupt, and is not overwritten', () => {
  const cases: Record<string, (path: string) => void> = {
    'text in the file': (path) => writeFileSync(path, 'this is not a database, whatever its name says '.repeat(100)),
    'a folder in its place': (path) => mkdirSync(path),
    'a file cut short': (path) => {
      openStore({ dir: join(path, '..'), durability: 'crash' }).close()
      truncateSync(path, 5_000)
    },
  }
  for (const [name, spoil] of Object.entries(cases)) {
    const dir = tempFolder()
    const path = databasePath(dir)
    spoil(path)
    const size = statSync(path).size
    for (const open of [() => openStore({ dir, durability: 'crash' }), () => openStoreForReading({ dir })]) {
      assert.throws(open, (thrown) => thrown instanceof SallyportError && thrown.code === 'ledger_corrupt', name)
    }
    assert.equal(statSync(path).size, size, name)
  }
})

test('reading needs a ledger to be there', () => {
  assert.throws(
    () => openStoreForReading({ dir: tempFolder() }),
    (thrown) => thrown instanceof SallyportError && thrown.code === 'ledger_unavailable' && thrown.hint !== '',
  )
})

test('a reader cannot write', () => {
  const dir = tempFolder()
  openStore({ dir, durability: 'crash' }).close()
  const db = openStoreForReading({ dir })
  assert.throws(() => db.exec('DELETE FROM exchanges'), /readonly/)
  db.close()
})

test('a disk that is full is unavailable, not corrupt', () => {
  const full = Object.assign(new Error('no space left'), { code: 'ENOSPC' })
  const error = storeError('/data/sallyport.db', full)
  assert.ok(error instanceof SallyportError && error.code === 'ledger_unavailable')
  const bug = new TypeError('a bug')
  assert.equal(storeError('/data/sallyport.db', bug), bug)
})

/** A ledger as an earlier program left it. */
function oldLedger(): { readonly dir: string; readonly db: Database.Database } {
  const dir = tempFolder()
  const db = new Database(databasePath(dir))
  db.pragma('journal_mode = WAL')
  migrate(db, migrations.slice(0, 2))
  return { dir, db }
}

test('who only reads is told that a ledger is of an earlier or a later version', () => {
  const { dir, db } = oldLedger()
  assert.throws(
    () => openStoreForReading({ dir }),
    (thrown) =>
      thrown instanceof SallyportError &&
      thrown.code === 'ledger_unavailable' &&
      /earlier version/.test(thrown.message) &&
      /serve/.test(thrown.hint),
  )
  db.pragma('user_version = 999')
  assert.throws(() => openStoreForReading({ dir }), /schema 999/)
  db.close()
})

test('a ledger of an earlier version is known before it is changed', () => {
  const { dir, db } = oldLedger()
  db.close()
  assert.equal(outdatedBytes(dir), statSync(databasePath(dir)).size)
  openStore({ dir, durability: 'crash' }).close()
  assert.equal(outdatedBytes(dir), undefined)
  assert.equal(outdatedBytes(tempFolder()), undefined)
})

test('a ledger is not changed under a process of an earlier version that still writes it', () => {
  const { dir, db } = oldLedger()
  const owner = claimOwner(db, dir, 4_711)
  assert.throws(
    () => openStore({ dir, durability: 'crash' }),
    (thrown) => thrown instanceof SallyportError && thrown.code === 'ledger_unavailable' && /4711/.test(thrown.message),
  )
  assert.equal(db.pragma('user_version', { simple: true }), 2)
  owner.release()
  openStore({ dir, durability: 'crash' }).close()
  assert.equal(db.pragma('user_version', { simple: true }), migrations.length)
  db.close()
})
