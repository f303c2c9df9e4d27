import assert from 'node:assert/strict'
import { test } from 'node:test'
import Database from 'better-sqlite3'
import { migrate } from '../../../src/store/migrate.ts'
import { ledger } from '../../../src/store/migrations/001-ledger.ts'
import { keys } from '../../../src/store/migrations/002-keys.ts'

test('a ledger of the version before gets the table, and keeps its rows', () => {
  assert.equal(keys.version, 2)
  const db = new Database(':memory:')
  migrate(db, [ledger])
  db.exec(`INSERT INTO events (id, at, who, what) VALUES ('a', 'now', 'me', 'test')`)
  migrate(db, [ledger, keys])
  assert.equal(db.prepare('SELECT count(*) FROM events').pluck().get(), 1)
  assert.equal(db.prepare('SELECT count(*) FROM keys').pluck().get(), 0)
})

test('a secret belongs to one key, a name to one active key, and a state is one of three', () => {
  const db = new Database(':memory:')
  migrate(db, [ledger, keys])
  const insert = db.prepare(
    `INSERT INTO keys (id, name, state, created, hmac, models, limits, allow) VALUES (?, ?, ?, 'now', ?, '[]', '{}', '[]')`,
  )
  insert.run('1', 'ci', 'active', Buffer.from('a'))
  assert.throws(() => insert.run('2', 'other', 'active', Buffer.from('a')), /UNIQUE/)
  assert.throws(() => insert.run('2', 'ci', 'active', Buffer.from('b')), /UNIQUE/)
  assert.throws(() => insert.run('2', 'other', 'asleep', Buffer.from('b')), /CHECK/)
  insert.run('2', 'ci', 'revoked', Buffer.from('b'))
})
