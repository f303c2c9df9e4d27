import assert from 'node:assert/strict'
import { test } from 'node:test'
import { markLeft, markLost } from '../../src/audit/lost.ts'
import { openStore } from '../../src/store/open.ts'
import { claimOwner } from '../../src/store/owners.ts'
import { tempFolder } from '../support/temp.ts'

test('only what dead owners left open becomes lost', () => {
  const dir = tempFolder()
  const db = openStore({ dir, durability: 'crash' })
  const [dead, alsoDead, alive] = [1, 2, 3].map((pid) => claimOwner(db, dir, pid))
  const insert = db.prepare(`INSERT INTO exchanges (id, at, door, host, port, method, path, state, owner)
    VALUES (?, 'now', 'proxy', 'h', 443, 'GET', '/', ?, ?)`)
  insert.run('dead-open', 'open', dead?.id)
  insert.run('dead-done', 'done', dead?.id)
  insert.run('also-dead-open', 'open', alsoDead?.id)
  insert.run('alive-open', 'open', alive?.id)
  dead?.release()
  alsoDead?.release()
  assert.equal(markLeft(db, dir, alive?.id as number), 0)
  assert.equal(markLeft(db, dir, dead?.id as number), 1)
  assert.equal(markLost(db, dir), 1)
  assert.equal(markLost(db, dir), 0)
  const states = db.prepare<[], { id: string; state: string }>('SELECT id, state FROM exchanges').all()
  assert.deepEqual(Object.fromEntries(states.map(({ id, state }) => [id, state])), {
    'dead-open': 'lost',
    'dead-done': 'done',
    'also-dead-open': 'lost',
    'alive-open': 'open',
  })
  assert.equal(db.prepare('SELECT count(*) FROM processes').pluck().get(), 1)
  // One that was asked for was known to end; the other was found dead.
  const events = db.prepare<[], Record<string, string>>('SELECT who, what, "before", "after" FROM events').all()
  assert.equal(events.length, 1)
  assert.deepEqual([events[0]?.['who'], events[0]?.['what']], ['sallyport', 'program.unclean'])
  assert.partialDeepStrictEqual(JSON.parse(events[0]?.['before'] as string), {
    processes: [{ id: alsoDead?.id, pid: 2 }],
  })
  assert.deepEqual(JSON.parse(events[0]?.['after'] as string), { processes: 1, exchanges: 1 })
  alive?.release()
  db.close()
})
