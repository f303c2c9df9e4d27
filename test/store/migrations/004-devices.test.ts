import assert from 'node:assert/strict'
import { test } from 'node:test'
import Database from 'better-sqlite3'
import { migrate } from '../../../src/store/migrate.ts'
import { ledger } from '../../../src/store/migrations/001-ledger.ts'
import { keys } from '../../../src/store/migrations/002-keys.ts'
import { chain } from '../../../src/store/migrations/003-chain.ts'
import { devices } from '../../../src/store/migrations/004-devices.ts'

test('a ledger of the version before gets the tables, and keeps its rows', () => {
  assert.equal(devices.version, 4)
  const db = new Database(':memory:')
  migrate(db, [ledger, keys, chain])
  db.exec(`INSERT INTO events (id, at, who, what) VALUES ('a', 'now', 'me', 'test')`)
  migrate(db, [ledger, keys, chain, devices])
  assert.equal(db.prepare('SELECT count(*) FROM events').pluck().get(), 1)
  assert.equal(db.prepare('SELECT count(*) FROM devices').pluck().get(), 0)
  assert.equal(db.prepare('SELECT count(*) FROM device_codes').pluck().get(), 0)
})

test('a device has a public key of 32 bytes, a state of two, and an expiry', () => {
  const db = new Database(':memory:')
  migrate(db, [ledger, keys, chain, devices])
  const insert = db.prepare(
    `INSERT INTO devices (id, state, public_key, policies, created, not_before, expires) VALUES (?, ?, ?, '[]', 'now', 'now', ?)`,
  )
  insert.run('a', 'active', Buffer.alloc(32), 'then')
  assert.throws(() => insert.run('a', 'active', Buffer.alloc(32), 'then'), /UNIQUE/)
  assert.throws(() => insert.run('b', 'active', Buffer.alloc(31), 'then'), /CHECK/)
  assert.throws(() => insert.run('b', 'asleep', Buffer.alloc(32), 'then'), /CHECK/)
  assert.throws(() => insert.run('b', 'active', Buffer.alloc(32), null), /NOT NULL/)
})
