import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import Database from 'better-sqlite3'
import { SallyportError } from '../../src/core/errors.ts'
import { migrate } from '../../src/store/migrate.ts'
import { migrations } from '../../src/store/migrations/index.ts'
import { openStore } from '../../src/store/open.ts'
import { tempFolder } from '../support/temp.ts'

const steps = [
  { version: 1, sql: 'CREATE TABLE a (x)' },
  { version: 2, sql: 'CREATE TABLE b (x)' },
]

function tablesOf(db: Database.Database): string[] {
  return db.prepare<[], string>(`SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name`).pluck().all()
}

test('only the steps that a database has not had are run', () => {
  const db = new Database(':memory:')
  migrate(db, steps.slice(0, 1))
  assert.deepEqual(tablesOf(db), ['a'])
  migrate(db, steps)
  migrate(db, steps)
  assert.deepEqual(tablesOf(db), ['a', 'b'])
  assert.equal(db.pragma('user_version', { simple: true }), 2)
})

test('a step that fails leaves the database as it was', () => {
  const db = new Database(':memory:')
  assert.throws(() => migrate(db, [...steps, { version: 3, sql: 'CREATE TABLE c (x); CREATE NONSENSE' }]))
  assert.deepEqual(tablesOf(db), [])
  assert.equal(db.pragma('user_version', { simple: true }), 0)
})

test('a database of a newer program is refused', () => {
  const db = new Database(':memory:')
  db.pragma('user_version = 7')
  assert.throws(
    () => migrate(db, steps),
    (thrown) => thrown instanceof SallyportError && thrown.code === 'ledger_corrupt' && /schema 7/.test(thrown.message),
  )
})

test('the numbers of the migrations are their places', () => {
  assert.deepEqual(
    migrations.map(({ version }) => version),
    migrations.map((_, index) => index + 1),
  )
})

test('several processes may make the same store at once', async () => {
  const dir = tempFolder()
  const script = `import { openStore } from '${new URL('../../src/store/open.ts', import.meta.url).href}'
    const db = openStore({ dir: ${JSON.stringify(dir)}, durability: 'crash' })
    db.prepare('INSERT INTO events (id, at, who, what) VALUES (?, ?, ?, ?)').run(String(process.pid), 'now', 'me', 'start')
    db.close()`
  const children = Array.from({ length: 4 }, () =>
    spawn(process.execPath, ['--input-type=module-typescript', '-e', script], {
      stdio: ['ignore', 'ignore', 'inherit'],
    }),
  )
  const exits = await Promise.all(children.map((child) => once(child, 'exit')))
  assert.deepEqual(
    exits.map(([status]) => status as number),
    [0, 0, 0, 0],
  )
  const db = openStore({ dir, durability: 'crash' })
  assert.equal(db.prepare('SELECT count(*) FROM events').pluck().get(), 4)
  db.close()
})
