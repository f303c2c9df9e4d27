import assert from 'node:assert/strict'
import { existsSync, statSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import {
  type Derived,
  derivedPath,
  openDerived,
  openDerivedForReading,
  removeDerived,
  withDerived,
} from '../../src/store/derived.ts'
import { tempFolder } from '../support/temp.ts'

const words: Derived = { name: 'words', version: 1, sql: 'CREATE TABLE words (word TEXT)' }

function fill(dir: string, derived: Derived = words): void {
  const db = openDerived(dir, derived)
  db.exec(`INSERT INTO words VALUES ('one')`)
  db.close()
}

function countIn(dir: string, derived: Derived = words): unknown {
  const db = openDerivedForReading(dir, derived)
  const count = db?.prepare('SELECT count(*) FROM words').pluck().get()
  db?.close()
  return count
}

test('what was written is there for readers, and for nobody else', () => {
  const dir = tempFolder()
  assert.equal(countIn(dir), undefined)
  fill(dir)
  fill(dir)
  assert.equal(countIn(dir), 2)
  assert.equal(statSync(derivedPath(dir, words)).mode & 0o777, 0o600)
})

test('a file of another version, or no database, is made anew by its writer and passed over by readers', () => {
  const dir = tempFolder()
  const newer = { ...words, version: 2 }
  fill(dir)
  assert.equal(countIn(dir, newer), undefined)
  fill(dir, newer)
  assert.equal(countIn(dir, newer), 1)
  for (const bytes of [
    'this is no database'.repeat(1_000),
    'SQLite format 3\0 but not the rest of it'.padEnd(8_192, 'x'),
  ]) {
    removeDerived(dir, newer)
    writeFileSync(derivedPath(dir, newer), bytes)
    assert.equal(countIn(dir, newer), undefined)
    fill(dir, newer)
    assert.equal(countIn(dir, newer), 1)
  }
})

test('removed, it is gone with its log', () => {
  const dir = tempFolder()
  const db = openDerived(dir, words)
  db.exec(`INSERT INTO words VALUES ('one')`)
  removeDerived(dir, words)
  for (const suffix of ['', '-wal', '-shm']) assert.equal(existsSync(derivedPath(dir, words) + suffix), false)
  db.close()
})

test('used, it is closed after; what is damaged is removed, what only failed is not', async () => {
  const dir = tempFolder()
  const used = await withDerived(dir, words, async (db) => {
    db.exec(`INSERT INTO words VALUES ('one')`)
    return db
  })
  assert.equal(used.open, false)
  await assert.rejects(
    withDerived(dir, words, async () => Promise.reject(new Error('busy'))),
    /busy/,
  )
  assert.equal(countIn(dir), 1)
  const damaged = Object.assign(new Error('Unknown frame descriptor'), { code: 'ZSTD_error_prefix_unknown' })
  await assert.rejects(
    withDerived(dir, words, async () => Promise.reject(damaged)),
    /Unknown frame/,
  )
  assert.equal(countIn(dir), undefined)
})
