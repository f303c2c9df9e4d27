import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { once } from 'node:events'
import { writeBriefly } from '../../src/store/brief-write.ts'
import { databasePath, openStore } from '../../src/store/open.ts'
import { tempFolder } from '../support/temp.ts'

function start(t: { after: (run: () => void) => void }) {
  const dir = tempFolder('brief')
  const db = openStore({ dir, durability: 'crash' })
  t.after(() => db.close())
  db.exec('CREATE TABLE t (x)')
  const count = () => db.prepare('SELECT count(*) FROM t').pluck().get()
  return { dir, db, count }
}

test('all of it is committed, or nothing', (t) => {
  const { db, count } = start(t)
  assert.equal(
    writeBriefly(db, () => db.prepare('INSERT INTO t VALUES (1)').run().changes),
    1,
  )
  const broken = (): void => {
    db.exec('INSERT INTO t VALUES (2)')
    throw new Error('no')
  }
  assert.throws(() => writeBriefly(db, broken), /no/)
  assert.equal(count(), 1)
  assert.equal(db.inTransaction, false)
  assert.equal(db.pragma('busy_timeout', { simple: true }), 5_000)
})

test('it waits for its turn beside a writer that never rests', async (t) => {
  const { dir, db, count } = start(t)
  const code = `
    import { createRequire } from 'node:module'
    import { parentPort } from 'node:worker_threads'
    const Database = createRequire(${JSON.stringify(import.meta.url)})('better-sqlite3')
    const db = new Database(${JSON.stringify(databasePath(dir))}, { timeout: 5_000 })
    parentPort.postMessage('ready')
    for (const end = Date.now() + 1_000; Date.now() < end;) {
      db.exec('BEGIN IMMEDIATE')
      for (const until = performance.now() + 2; performance.now() < until;);
      db.exec('COMMIT')
    }`
  const other = new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`))
  await once(other, 'message')
  for (let i = 0; i < 10; i += 1) writeBriefly(db, () => db.exec('INSERT INTO t VALUES (1)'))
  assert.equal(count(), 10)
  await once(other, 'exit')
})
