import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import Database from 'better-sqlite3'
import { chainColumnsSql, type ChainValue, digestOf } from '../../../src/store/chain.ts'
import { migrate } from '../../../src/store/migrate.ts'
import { migrations } from '../../../src/store/migrations/index.ts'
import { chainOfLedger } from '../../support/chained.ts'
import { tempFolder } from '../../support/temp.ts'

test('a ledger from before the chain keeps its rows, and all of them are chained', () => {
  const db = new Database(':memory:')
  migrate(db, migrations.slice(0, 2))
  const insert =
    db.prepare(`INSERT INTO exchanges (id, at, door, host, port, method, path, state, request_body, findings)
    VALUES (?, 'then', 'proxy', 'h', 443, 'POST', '/', 'done', ?, '[]')`)
  for (let i = 0; i < 1_203; i += 1) insert.run(`x${i}`, `body ${i}`)
  db.prepare(`DELETE FROM exchanges WHERE id = 'x1202'`).run()
  db.prepare(`INSERT INTO connections (id, at, handling) VALUES ('c', 'then', 'tunnel')`).run()
  db.prepare(`INSERT INTO events (id, at, who, what) VALUES ('e', 'then', 'me', 'x')`).run()
  migrate(db, migrations.slice(0, 3))
  assert.equal(db.prepare('SELECT count(*) FROM exchanges').pluck().get(), 1_202)
  assert.equal(db.prepare(`SELECT request_body FROM exchanges WHERE id = 'x7'`).pluck().get(), 'body 7')
  const entries = chainOfLedger(db)
  assert.equal(entries.length, 1_204)
  const row = db.prepare<[], [number, number, ...ChainValue[]]>(
    `SELECT seq, block, ${chainColumnsSql('exchanges')} FROM exchanges WHERE id = 'x900'`,
  )
  const [seq, block, ...values] = row.raw().get() ?? [0, 0]
  const entry = entries.find((one) => one.kind === 1 && one.seq === seq)
  assert.deepEqual(entry, { block, kind: 1, seq, digest: digestOf('exchanges', values).toString('hex') })
  // No number is given twice.
  insert.run('new', 'y')
  assert.equal(db.prepare(`SELECT seq FROM exchanges WHERE id = 'new'`).pluck().get(), 1_204)
  db.close()
})

test('the file of a ledger does not grow to twice its size for the chain', () => {
  const db = new Database(join(tempFolder(), 'old.db'))
  migrate(db, migrations.slice(0, 2))
  const insert = db.prepare(`INSERT INTO exchanges (id, at, door, host, port, method, path, state, request_body)
    VALUES (?, 'then', 'proxy', 'h', 443, 'POST', '/', 'done', ?)`)
  const pages = (): number => Number(db.pragma('page_count', { simple: true }))
  db.transaction(() => {
    for (let i = 0; i < 4_000; i += 1) insert.run(`x${i}`, 'b'.repeat(3_000))
  })()
  const before = pages()
  migrate(db, migrations.slice(0, 3))
  assert.ok(pages() < 1.4 * before, `${before} pages became ${pages()}`)
  assert.equal(db.prepare('SELECT count(*) FROM exchanges WHERE length(request_body) = 3000').pluck().get(), 4_000)
  assert.equal(db.pragma('integrity_check', { simple: true }), 'ok')
  db.close()
})
