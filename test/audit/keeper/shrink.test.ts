import assert from 'node:assert/strict'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import Database from 'better-sqlite3'
import { compact, shrink } from '../../../src/audit/keeper/shrink.ts'
import { databaseSize } from '../../../src/audit/keeper/sizes.ts'
import { addBlock, ledgerIn } from '../../support/old-ledger.ts'
import { tempFolder } from '../../support/temp.ts'

const signal = new AbortController().signal
const sizeOf = (dir: string): number => statSync(join(dir, 'sallyport.db')).size

test('the file of a new ledger shrinks, down to the part of pages that may be free', async (t) => {
  const dir = tempFolder('shrink')
  const db = ledgerIn(dir)
  t.after(() => db.close())
  addBlock(db, dir, { at: Date.now(), exchanges: 200, inline: 60_000 })
  db.pragma('wal_checkpoint(TRUNCATE)')
  assert.ok(sizeOf(dir) > 12_000_000)
  db.exec('DELETE FROM exchanges')
  assert.equal(await shrink(db, 0.05, signal), true)
  const { free } = databaseSize(db)
  assert.ok(free > 3_000_000 && free < 4_300_000, String(free))
  assert.equal(await shrink(db, 0, signal), true)
  db.pragma('wal_checkpoint(TRUNCATE)')
  assert.equal(databaseSize(db).free, 0)
  assert.ok(sizeOf(dir) < 300_000)
  assert.equal(db.pragma('integrity_check', { simple: true }), 'ok')
})

test('a ledger from before cannot until it is compacted', async (t) => {
  const dir = tempFolder('shrink')
  const old = new Database(join(dir, 'sallyport.db'))
  old.pragma('journal_mode = WAL')
  old.exec('CREATE TABLE before_this (x)')
  old.close()
  const db = ledgerIn(dir)
  t.after(() => db.close())
  addBlock(db, dir, { at: Date.now(), exchanges: 20, inline: 60_000, text: 'private matter ' })
  db.exec('DELETE FROM exchanges')
  assert.equal(await shrink(db, 0, signal), false)
  compact(db)
  assert.ok(sizeOf(dir) < 300_000)
  assert.ok(!readFileSync(join(dir, 'sallyport.db')).includes('private matter'))
  addBlock(db, dir, { at: Date.now(), exchanges: 20, inline: 60_000 })
  db.exec('DELETE FROM exchanges')
  assert.equal(await shrink(db, 0, signal), true)
  assert.equal(databaseSize(db).free, 0)
})
