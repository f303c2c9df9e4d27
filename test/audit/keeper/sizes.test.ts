import assert from 'node:assert/strict'
import { mkdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { bodySizes, databaseSize } from '../../../src/audit/keeper/sizes.ts'
import { spillName } from '../../../src/audit/bodies/spill-file.ts'
import { uuidv7 } from '../../../src/core/ids.ts'
import { addBlock, ledgerIn } from '../../support/old-ledger.ts'
import { tempFolder } from '../../support/temp.ts'

const signal = new AbortController().signal

function bodyFile(dir: string, at: number, bytes: number): string {
  const path = join(dir, spillName(uuidv7(at), 'request'))
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, Buffer.alloc(bytes))
  return path
}

test('body files are added up as they lie on a disk, and a folder is read again when something in it changed', async () => {
  const dir = tempFolder('sizes')
  const measure = bodySizes(dir)
  assert.equal(await measure(signal), 0)
  const first = bodyFile(dir, Date.UTC(2026, 0, 1), 1_000)
  bodyFile(dir, Date.UTC(2026, 0, 2), 300)
  const long = new Date(Date.now() - 60_000)
  utimesSync(dirname(first), long, long)
  assert.equal(await measure(signal), 8_192)
  // Not seen: the folder says that it is as it was.
  writeFileSync(first, Buffer.alloc(5_000))
  assert.equal(await measure(signal), 8_192)
  bodyFile(dir, Date.UTC(2026, 0, 1), 20)
  assert.equal(await measure(signal), 16_384)
  rmSync(first)
  assert.equal(await measure(signal), 8_192)
  rmSync(dirname(first), { recursive: true })
  assert.equal(await measure(signal), 4_096)
})

test('of the database what is in use and what is free', (t) => {
  const dir = tempFolder('sizes')
  const db = ledgerIn(dir)
  t.after(() => db.close())
  addBlock(db, dir, { at: Date.now(), exchanges: 20, inline: 20_000 })
  const full = databaseSize(db)
  assert.ok(full.rows > 400_000)
  db.exec('DELETE FROM exchanges')
  const emptied = databaseSize(db)
  assert.equal(emptied.rows + emptied.free, full.rows + full.free)
  assert.ok(emptied.free > 400_000)
  db.pragma('wal_checkpoint(TRUNCATE)')
  assert.equal(statSync(join(dir, 'sallyport.db')).size, emptied.rows + emptied.free)
})
