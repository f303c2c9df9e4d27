import assert from 'node:assert/strict'
import Database from 'better-sqlite3'
import { test } from 'node:test'
import { lastUses } from '../../src/access/last-uses.ts'
import { databasePath } from '../../src/store/open.ts'
import { keyRoom } from '../support/keys.ts'

const at = (day: number): string => new Date(Date.UTC(2026, 1, day)).toISOString()

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5))
}

test('the latest use of each key is written, and an earlier one never replaces it', async () => {
  const { dir, keys, make } = keyRoom()
  const [one, two] = [make({ name: 'one' }), make({ name: 'two' })]
  const uses = lastUses({ dir, everyMs: 1 })
  uses.note(one.id, at(1))
  uses.note(one.id, at(3))
  uses.note(two.id, at(2))
  const written = (): (string | null)[] => keys.list().map(({ lastUsed }) => lastUsed)
  await until(() => written().every((use) => use !== null))
  assert.deepEqual(written(), [at(3), at(2)])
  uses.note(one.id, at(1))
  uses.note(two.id, at(9))
  uses.close()
  assert.deepEqual(written(), [at(3), at(9)])
})

test('a locked database is tried again, without waiting for it', async () => {
  const { dir, keys, make } = keyRoom()
  const { id } = make({ name: 'one' })
  const holder = new Database(databasePath(dir))
  holder.exec('BEGIN IMMEDIATE')
  const uses = lastUses({ dir, everyMs: 1 })
  uses.note(id, at(1))
  await new Promise((resolve) => setTimeout(resolve, 50))
  assert.equal(keys.list()[0]?.lastUsed, null)
  holder.exec('ROLLBACK')
  await until(() => keys.list()[0]?.lastUsed === at(1))
  uses.close()
  holder.close()
})
