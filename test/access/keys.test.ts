import assert from 'node:assert/strict'
import { test } from 'node:test'
import { keySettings } from '../../src/access/settings.ts'
import { openStore } from '../../src/store/open.ts'
import { keyRoom } from '../support/keys.ts'

type Event = { who: string; what: string; subject: string; before: string | null; after: string }

function eventsOf(dir: string): Event[] {
  const db = openStore({ dir, durability: 'crash' })
  const rows = db.prepare<[], Event>('SELECT who, what, subject, "before", "after" FROM events ORDER BY seq').all()
  db.close()
  return rows
}

test('a key is kept as it was wished, without its secret', () => {
  const { dir, keys, clock, make, hash } = keyRoom()
  const settings = keySettings.parse({
    name: 'ci',
    owner: 'platform',
    models: ['a', 'b'],
    limits: { rpm: 3, usdDay: 0.5 },
    allow: ['10.0.0.0/8'],
    systemPrompt: 'Be brief.',
    expires: '2026-06-01T00:00:00.000Z',
  })
  const { id, secret } = make(settings)
  const at = new Date(clock.now).toISOString()
  assert.deepEqual(keys.list(), [
    { ...settings, id, state: 'active', created: at, revoked: null, overlap: null, lastUsed: null },
  ])
  const db = openStore({ dir, durability: 'crash' })
  assert.deepEqual(db.prepare('SELECT hmac FROM keys').pluck().get(), hash(secret))
  db.close()
})

test('of the active keys each has a name of its own; that of one that has ended is free', () => {
  const { keys, clock, make } = keyRoom()
  const first = make({ name: 'ci' })
  assert.deepEqual(keys.create(keySettings.parse({ name: 'ci' })), { kind: 'taken' })
  keys.revoke(first.id)
  make({ name: 'ci', expires: new Date(clock.now + 1_000).toISOString() })
  clock.now += 1_000
  make({ name: 'ci' })
  assert.deepEqual(
    keys.list().map(({ state }) => state),
    ['revoked', 'expired', 'active'],
  )
})

test('an id may be shortened as long as it is one key alone, and eight characters', () => {
  const { keys, clock, make } = keyRoom()
  const { id } = make({ name: 'one' })
  clock.now += 10 * 86_400_000
  const other = make({ name: 'other' })
  assert.notEqual(id.slice(0, 8), other.id.slice(0, 8))
  assert.deepEqual(keys.revoke(id.slice(0, 7)), { kind: 'none' })
  assert.deepEqual(keys.revoke(''), { kind: 'none' })
  assert.deepEqual(keys.revoke('%%%%%%%%'), { kind: 'none' })
  assert.equal(keys.revoke(id.slice(0, 8).toUpperCase()).kind, 'revoked')
  make({ name: 'third' })
  assert.deepEqual(keys.rotate(other.id.slice(0, 8), 0), { kind: 'several' })
  assert.equal(keys.rotate(other.id, 0).kind, 'made')
})

test('a key that has ended is not rotated', () => {
  const { keys, clock, make } = keyRoom()
  const revoked = make({ name: 'revoked' })
  keys.revoke(revoked.id)
  assert.equal(keys.rotate(revoked.id, 0).kind, 'ended')
  const expired = make({ name: 'expired', expires: new Date(clock.now + 1).toISOString() })
  clock.now += 1
  assert.equal(keys.rotate(expired.id, 0).kind, 'ended')
})

test('each change leaves one event with who, before and after; a change that does nothing leaves none', () => {
  const { dir, keys, make } = keyRoom()
  const { id, secret } = make({ name: 'ci' })
  keys.create(keySettings.parse({ name: 'ci' }))
  const rotated = keys.rotate(id, 60_000)
  keys.revoke(id)
  keys.revoke(id)
  const events = eventsOf(dir)
  assert.deepEqual(
    events.map(({ who, what, subject }) => [who, what, subject]),
    [
      ['tester', 'key.create', id],
      ['tester', 'key.rotate', id],
      ['tester', 'key.revoke', id],
    ],
  )
  assert.equal(events[0]?.before, null)
  const states = events.map(({ after }) => (JSON.parse(after) as { state: string }).state)
  assert.deepEqual(states, ['active', 'active', 'revoked'])
  assert.equal((JSON.parse(events[2]?.before ?? '') as { state: string }).state, 'active')
  const text = JSON.stringify(events)
  for (const one of [secret, rotated.kind === 'made' ? rotated.secret : 'none']) assert.ok(!text.includes(one))
})
