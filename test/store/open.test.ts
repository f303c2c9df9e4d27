import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { SallyportError } from '../../src/core/errors.ts'
import { databasePath, openStore, openStoreForReading, pragmasFor, storeError } from '../../src/store/open.ts'
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
