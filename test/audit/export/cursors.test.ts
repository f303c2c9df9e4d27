import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Cursors, cursorsOf } from '../../../src/audit/export/cursors.ts'
import { chainOf, entryKinds } from '../../../src/store/chain.ts'
import { openStore, type Store } from '../../../src/store/open.ts'
import { tempFolder } from '../../support/temp.ts'

type Opened = { readonly db: Store; readonly cursors: Cursors; readonly dir: string }

function opened(): Opened & Disposable {
  const dir = tempFolder('cursors')
  const db = openStore({ dir, durability: 'relaxed' })
  const cursors = cursorsOf(db, () => Date.parse('2026-05-01T00:00:00Z'))
  return { db, cursors, dir, [Symbol.dispose]: () => void db.close() }
}

function addBlock(db: Store, at: string): void {
  const write = (): void => chainOf(db).write(at, ({ add }) => add(entryKinds.event, 1, Buffer.alloc(32)))
  db.transaction(write).immediate()
}

const letter = { table: 'exchanges', row: 'a', block: 1, reason: 'no', attempts: 3 } as const

test('a sink that is new begins behind what is there, or at a date, and then keeps its place', () => {
  using it = opened()
  for (const day of ['02', '03', '04']) addBlock(it.db, `2099-01-${day}T00:00:00.000Z`)
  assert.deepEqual(it.cursors.begin('now'), { block: 4, position: 0, checkpoint: 0 })
  assert.deepEqual(it.cursors.begin('dated', '2099-01-03T00:00:00.000Z'), { block: 2, position: 0, checkpoint: 0 })
  assert.deepEqual(it.cursors.begin('future', '2100-01-01T00:00:00.000Z'), { block: 4, position: 0, checkpoint: 0 })
  addBlock(it.db, '2099-01-05T00:00:00.000Z')
  assert.equal(it.cursors.begin('now', '2099-01-01T00:00:00.000Z').block, 4)
})

test('a sink that is new has no gap where retention was before it', () => {
  using it = opened()
  for (const day of ['02', '03', '04']) addBlock(it.db, `2099-01-${day}T00:00:00.000Z`)
  it.db.exec('DELETE FROM chain WHERE n BETWEEN 1 AND 2')
  assert.equal(it.cursors.begin('past', '2020-01-01T00:00:00.000Z').block, 3)
})

test('what was delivered, the cursor and dead letters are kept together, over connections', () => {
  using it = opened()
  it.cursors.begin('soc')
  it.cursors.failed('soc', 2, 'away')
  assert.deepEqual([it.cursors.all()[0]?.failures, it.cursors.all()[0]?.error], [2, 'away'])
  it.cursors.settle('soc', { cursor: { block: 9, position: 3, checkpoint: 2 }, delivered: 5, dead: [letter] })
  it.cursors.settle('soc', { cursor: { block: 9, position: 4, checkpoint: 2 }, delivered: 1, dead: [letter] })
  const db = openStore({ dir: it.dir, durability: 'relaxed' })
  const other = cursorsOf(db, Date.now)
  assert.deepEqual(other.begin('soc'), { block: 9, position: 4, checkpoint: 2 })
  const [record] = other.all()
  assert.deepEqual([record?.delivered, record?.failures, record?.error], [6, 0, null])
  const [kept, ...more] = other.letters('soc', 0, 10)
  assert.deepEqual([kept?.row, kept?.attempts, kept?.sink, more.length], ['a', 6, 'soc', 0])
  assert.deepEqual([other.countLetters('soc'), other.countLetters('x'), other.letters('x', 0, 10)], [1, 0, []])
  other.dropLetter(kept?.seq ?? 0)
  assert.equal(other.countLetters('soc'), 0)
  db.close()
})

test('a sink that is gone keeps its cursor until the date, and its dead letters go with it', () => {
  using it = opened()
  it.cursors.begin('kept')
  it.cursors.begin('gone')
  it.cursors.settle('gone', { cursor: { block: 0, position: 0, checkpoint: 0 }, delivered: 0, dead: [letter] })
  it.cursors.prune(['kept'], '2026-04-01T00:00:00.000Z')
  assert.deepEqual(
    it.cursors.all().map(({ name }) => name),
    ['gone', 'kept'],
  )
  it.cursors.prune(['kept'], '2026-06-01T00:00:00.000Z')
  assert.deepEqual(
    it.cursors.all().map(({ name }) => name),
    ['kept'],
  )
  assert.equal(it.cursors.countLetters('gone'), 0)
})

test('dead letters go with their rows', () => {
  using it = opened()
  for (const day of ['02', '03', '04']) addBlock(it.db, `2099-01-${day}T00:00:00.000Z`)
  it.cursors.begin('soc')
  const dead = [letter, { ...letter, row: 'b', block: 3 }]
  it.cursors.settle('soc', { cursor: { block: 4, position: 0, checkpoint: 0 }, delivered: 0, dead })
  it.db.exec('DELETE FROM chain WHERE n BETWEEN 1 AND 2')
  it.cursors.prune(['soc'], '2000-01-01T00:00:00.000Z')
  assert.deepEqual(
    it.cursors.letters('soc', 0, 10).map(({ row }) => row),
    ['b'],
  )
})
