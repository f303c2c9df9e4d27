import assert from 'node:assert/strict'
import Database from 'better-sqlite3'
import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { isBusy, openSpent, spentPath } from '../../src/access/spent-tokens.ts'
import type { Boot, Spending } from '../../src/access/spent-tokens.ts'
import { tempFolder } from '../support/temp.ts'

const start = 1_800_000_000_000
const boots = ['1', '2', '3'].map((digit) => `${digit.repeat(8)}-0000-4000-8000-000000000000`)
const boot = (n = 0, uptime = 1_000_000): Boot => ({ id: boots[n] as string, uptime: () => uptime })
const token = (jti: string, changes: Partial<Spending> = {}): Spending => ({
  device: 'laptop-7',
  jti,
  from: start - 30_000,
  until: start + 90_000,
  ...changes,
})

function opened(t: TestContext, dir: string, options: { boot?: Boot; maxRows?: number; lost?: number } = {}) {
  const tokens = openSpent({ dir, boot: boot(), maxRows: 100, ...options })
  t.after(() => tokens.close())
  return tokens
}

test('a token counts once, also within one transaction and for another connection; its device belongs to it', (t) => {
  const dir = tempFolder('spent')
  const first = opened(t, dir)
  const second = opened(t, dir)
  assert.deepEqual(first.spend([token('a'), token('a'), token('b')], start), ['new', 'replayed', 'new'])
  assert.deepEqual(second.spend([token('b'), token('a', { device: 'laptop-8' }), token('c')], start), [
    'replayed',
    'new',
    'new',
  ])
  assert.deepEqual(first.spend([token('c')], start), ['replayed'])
})

test('device and jti do not run into one another', (t) => {
  const tokens = opened(t, tempFolder('spent'))
  const twins = [
    token('b-c', { device: 'a' }),
    token('c', { device: 'a-b' }),
    token('1', { device: 'x1' }),
    token('11', { device: 'x' }),
  ]
  assert.deepEqual(tokens.spend(twins, start), ['new', 'new', 'new', 'new'])
})

test('where there is no room it refuses those that are new, and forgets none that it holds', (t) => {
  const tokens = opened(t, tempFolder('spent'), { maxRows: 2 })
  assert.deepEqual(
    tokens.spend(
      ['a', 'b', 'c', 'a'].map((jti) => token(jti)),
      start,
    ),
    ['new', 'new', 'unavailable', 'replayed'],
  )
  assert.deepEqual(
    tokens.spend(
      ['b', 'c'].map((jti) => token(jti)),
      start + 89_999,
    ),
    ['replayed', 'unavailable'],
  )
  // All are over: there is room again.
  const later = (jti: string): Spending => token(jti, { from: start, until: start + 200_000 })
  assert.deepEqual(tokens.spend([later('d'), later('e'), later('f')], start + 90_000), ['new', 'new', 'unavailable'])
})

test('what was forgotten is not new when the clock is put back', (t) => {
  const tokens = opened(t, tempFolder('spent'))
  assert.deepEqual(tokens.spend([token('a')], start), ['new'])
  assert.deepEqual(tokens.spend([token('b', { until: start + 500_000 })], start + 90_000), ['new'])
  assert.deepEqual(tokens.spend([token('a'), token('never seen')], start), ['replayed', 'replayed'])
  assert.deepEqual(tokens.spend([token('c', { until: start + 90_001 })], start), ['new'])
})

test('many that are over are taken away bit by bit, faster than new ones come', (t) => {
  const dir = tempFolder('spent')
  const tokens = opened(t, dir, { maxRows: 10_000 })
  for (let i = 0; i < 20; i++)
    tokens.spend(
      Array.from({ length: 100 }, (_, n) => token(`${i} ${n}`)),
      start,
    )
  const held = (): unknown => {
    const db = new Database(spentPath(dir, boot()), { readonly: true })
    try {
      return db.prepare('SELECT count(*) AS rows, (SELECT held FROM guard) AS held FROM spent').get()
    } finally {
      db.close()
    }
  }
  assert.deepEqual(held(), { rows: 2_000, held: 2_000 })
  const later = { until: start + 500_000 }
  tokens.spend([token('x', later)], start + 90_000)
  assert.deepEqual(held(), { rows: 1_991, held: 1_991 })
  for (let i = 0; i < 100; i++) tokens.spend([token(`x${i}`, later), token(`y${i}`, later)], start + 90_000)
  assert.deepEqual(held(), { rows: 991, held: 991 })
  for (let i = 0; i < 100; i++) tokens.spend([token(`x${i}`, later), token(`y${i}`, later)], start + 90_000)
  assert.deepEqual(held(), { rows: 201, held: 201 })
})

test('after another start of the machine, what could have been spent before is replayed', (t) => {
  const dir = tempFolder('spent')
  opened(t, dir).spend([token('a')], start)
  // Twenty seconds after the start.
  let uptime = 20_000
  const tokens = opened(t, dir, { boot: { id: boots[1] as string, uptime: () => uptime } })
  const at = start + 60_000
  const since = (ms: number): Spending => token(`${ms}`, { from: at + ms })
  assert.deepEqual(tokens.spend([token('a'), since(-1), since(0)], at), ['replayed', 'replayed', 'new'])
  // What opens it later in the same boot knows when that memory began, and so it does when the clock is set right.
  uptime += 10_000
  assert.deepEqual(opened(t, dir, { boot: boot(1, uptime) }).spend([since(-1), since(1)], at + 10_000), [
    'replayed',
    'new',
  ])
  const right = at + 3_600_000
  const long = { until: right + 100_000 }
  const spent = tokens.spend(
    [token('b', { from: right - 10_001, ...long }), token('c', { from: right - 10_000, ...long })],
    right,
  )
  assert.deepEqual(spent, ['replayed', 'new'])
})

test('the files of earlier boots are removed, and nobody else can read those of this one', (t) => {
  const dir = tempFolder('spent')
  opened(t, dir).spend([token('a')], start)
  for (const name of ['other.db', 'replay-notes.txt', 'replay.db.txt']) writeFileSync(join(dir, name), '')
  writeFileSync(join(dir, 'replay.db'), 'not a database')
  opened(t, dir, { boot: boot(1) }).spend([token('b')], start)
  const now = `replay-${boots[1]}.db`
  assert.deepEqual(
    readdirSync(dir).toSorted(),
    ['other.db', 'replay-notes.txt', 'replay.db.txt', now, `${now}-shm`, `${now}-wal`].toSorted(),
  )
  for (const name of [now, `${now}-shm`, `${now}-wal`])
    assert.equal(statSync(join(dir, name)).mode & 0o777, 0o600, name)
})

test('whatever a loss of power left in the file of an earlier boot does not matter', (t) => {
  const dir = tempFolder('spent')
  writeFileSync(spentPath(dir, boot()), Buffer.alloc(4_096, 7))
  const tokens = opened(t, dir, { boot: boot(1, 0) })
  assert.deepEqual(tokens.spend([token('a'), token('b', { from: start })], start), ['replayed', 'new'])
  assert.ok(!existsSync(spentPath(dir, boot())))
})

test('where boots have no names, one file is kept, and what could have been spent before this one is replayed', (t) => {
  const dir = tempFolder('spent')
  const nameless = (uptime: number): Boot => ({ id: null, uptime: () => uptime })
  const first = opened(t, dir, { boot: nameless(1_000_000) })
  assert.deepEqual(first.spend([token('a'), token('a')], start), ['new', 'replayed'])
  assert.ok(existsSync(join(dir, 'replay.db')))
  const second = opened(t, dir, { boot: nameless(10_000) })
  assert.deepEqual(second.spend([token('b'), token('c', { from: start - 10_000 })], start), ['replayed', 'new'])
})

test('where another file was lost, this memory begins now, for all who open it', (t) => {
  const dir = tempFolder('spent')
  const asked = (n: number): Spending[] => [token(`a${n}`), token(`b${n}`, { from: start })]
  const others = [opened(t, dir), opened(t, dir, { lost: 1_000 }), opened(t, dir)]
  for (const [n, each] of others.entries()) assert.deepEqual(each.spend(asked(n), start), ['replayed', 'new'])
})

test('who comes later to what began after the loss leaves it as it is, and does not trust what is older than that', (t) => {
  const dir = tempFolder('spent')
  const at = (uptime: number, lost: number) => opened(t, dir, { boot: boot(0, uptime), lost })
  const asked = (now: number): Spending[] => [now - 1, now].map((from) => token(`${from}`, { from }))
  assert.deepEqual(at(20_000, 10_000).spend(asked(start), start), ['replayed', 'new'])
  assert.deepEqual(at(30_000, 5_000).spend(asked(start + 5_000), start + 10_000), ['new', 'new'])
  assert.deepEqual(at(40_000, 35_000).spend(asked(start + 20_000), start + 20_000), ['replayed', 'new'])
})

test('a clock that was ahead for a moment costs only what was taken away then', (t) => {
  const tokens = opened(t, tempFolder('spent'))
  assert.deepEqual(tokens.spend([token('a')], start), ['new'])
  assert.deepEqual(tokens.spend([], start + 31_536_000_000), [])
  const later = token('b', { until: start + 90_001 })
  assert.deepEqual(tokens.spend([token('a'), later, later], start), ['replayed', 'new', 'replayed'])
})

test('a locked database says so at once, and nothing has happened', (t) => {
  const dir = tempFolder('spent')
  const tokens = opened(t, dir)
  const db = new Database(spentPath(dir, boot()))
  t.after(() => db.close())
  db.exec('BEGIN IMMEDIATE')
  assert.throws(() => tokens.spend([token('a')], start), isBusy)
  db.exec('ROLLBACK')
  assert.deepEqual(tokens.spend([token('a')], start), ['new'])
  assert.ok(!isBusy(new Error('x')))
})
