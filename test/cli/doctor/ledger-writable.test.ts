import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import Database from 'better-sqlite3'
import { whyNotWritable } from '../../../src/cli/doctor/ledger-writable.ts'
import { databasePath, openStore } from '../../../src/store/open.ts'
import { tempFolder } from '../../support/temp.ts'

test('a ledger that can be written is nothing to tell, one that is locked is, with who to look for', () => {
  const dir = tempFolder()
  openStore({ dir, durability: 'crash' }).close()
  const path = databasePath(dir)
  assert.equal(whyNotWritable(path), undefined)
  const other = new Database(path)
  other.exec('BEGIN IMMEDIATE')
  const finding = whyNotWritable(path, 10)
  assert.equal(finding?.status, 'fail')
  assert.match(finding?.message ?? '', /locked by another program/)
  assert.match(finding?.hint ?? '', /lsof/)
  other.close()
})

test('what is no database cannot be written', () => {
  const path = join(tempFolder(), 'x.db')
  writeFileSync(path, 'no database at all, and long enough to be read as one. '.repeat(20))
  assert.match(whyNotWritable(path)?.message ?? '', /cannot be written: file is not a database/)
})
