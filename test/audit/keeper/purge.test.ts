import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { purge, purgeable, type PurgeOptions } from '../../../src/audit/keeper/purge.ts'
import { startRecorder } from '../../../src/audit/recorder.ts'
import type { Store } from '../../../src/store/open.ts'
import { doneRow, openRow } from '../../support/ledger-rows.ts'
import { addBlock, ledgerIn, verifiedLedger } from '../../support/old-ledger.ts'
import { tempFolder } from '../../support/temp.ts'

const NOW = Date.now()
const { signal } = new AbortController()

function start(t: { after: (run: () => void) => void }): { dir: string; db: Store } {
  const dir = tempFolder('purge')
  const db = ledgerIn(dir)
  t.after(() => db.close())
  return { dir, db }
}

const optionsFor = (dir: string, over: Partial<PurgeOptions> = {}): PurgeOptions => ({
  dir,
  now: () => NOW,
  who: 'sallyport',
  reason: 'age',
  through: Number.MAX_SAFE_INTEGER,
  sinks: [],
  ...over,
})

const eventsOf = (db: Store, what: string): Record<string, unknown>[] =>
  db
    .prepare<[string], string>(`SELECT "after" FROM events WHERE what = ?`)
    .pluck()
    .all(what)
    .map((text) => JSON.parse(text) as Record<string, unknown>)

test('all up to a block goes, but never the head; one event says what', async (t) => {
  const { dir, db } = start(t)
  for (let i = 200; i > 0; i -= 1) addBlock(db, dir, { at: NOW - i, exchanges: 3, events: 1, spill: 20 })
  const would = purgeable(db, Number.MAX_SAFE_INTEGER)
  const purged = await purge(db, optionsFor(dir), signal)
  assert.deepEqual([purged.exchanges, purged.events, purged.files, purged.blocks], [597, 199, 597, 200])
  assert.deepEqual(would, { exchanges: 597, connections: 0, events: 199 })
  const { gaps, ...told } = purged
  assert.deepEqual(gaps, {})
  assert.deepEqual(eventsOf(db, 'retention.purge'), [{ reason: 'age', ...told, gaps }])
  const { ok, faults, removed } = await verifiedLedger(dir)
  assert.ok(ok, JSON.stringify(faults[0]))
  assert.equal(removed?.exchanges, 597)
})

test('nothing to remove: no event, no checkpoint', async (t) => {
  const { dir, db } = start(t)
  addBlock(db, dir, { at: NOW })
  const purged = await purge(db, optionsFor(dir, { through: -1 }), signal)
  assert.deepEqual([purged.blocks, purged.from, purged.to], [0, null, null])
  assert.deepEqual(eventsOf(db, 'retention.purge'), [])
  assert.equal(db.prepare('SELECT count(*) FROM checkpoints').pluck().get(), 0)
})

test('it stops when enough has gone, and at the signal', async (t) => {
  const { dir, db } = start(t)
  for (let i = 20; i > 0; i -= 1) addBlock(db, dir, { at: NOW - i, exchanges: 50, spill: 100 })
  const some = await purge(db, optionsFor(dir, { enough: (bytes) => bytes > 10_000 }), signal)
  assert.ok(some.bytes > 10_000 && some.exchanges < 500, JSON.stringify(some))
  assert.equal((await purge(db, optionsFor(dir), AbortSignal.abort())).blocks, 0)
  assert.ok((await verifiedLedger(dir)).ok)
})

test('rows that a sink has not had are counted for it', async (t) => {
  const { dir, db } = start(t)
  for (let i = 10; i > 0; i -= 1) addBlock(db, dir, { at: NOW - i, exchanges: 2 })
  const insert = db.prepare(
    `INSERT INTO sinks (name, block, position, created, updated) VALUES (?, ?, 0, '2026', '2026')`,
  )
  for (const [name, block] of [
    ['slow', 4],
    ['dead', 1],
    ['quick', 11],
    ['gone', 0],
  ] as const)
    insert.run(name, block)
  const { gaps } = await purge(db, optionsFor(dir, { through: 6, sinks: ['slow', 'dead', 'quick', 'new'] }), signal)
  assert.deepEqual(gaps, { dead: 12, slow: 6 })
})

test('beside a recorder that writes: no row of it is missing', async (t) => {
  const { dir, db } = start(t)
  for (let i = 60; i > 0; i -= 1) addBlock(db, dir, { at: NOW - i, exchanges: 100, inline: 2_000 })
  const recorder = startRecorder({ dir, durability: 'crash', inlineBytes: 65_536 })
  const ids: string[] = []
  const ended = new AbortController()
  async function write(): Promise<void> {
    while (!ended.signal.aborted) {
      const row = openRow()
      await recorder.open(row)
      ids.push(row.id)
      recorder.done(doneRow(row.id, { requestBody: null, responseBody: null }))
    }
  }
  const traffic = write()
  while (ids.length === 0) await setTimeout(5)
  const purged = await purge(db, optionsFor(dir, { through: 60 }), signal)
  ended.abort()
  await traffic
  await recorder.close()
  assert.equal(purged.exchanges, 6_000)
  const there = db.prepare<[string], string>('SELECT state FROM exchanges WHERE id = ?').pluck()
  assert.ok(ids.every((id) => there.get(id) === 'done'))
  const { ok, faults } = await verifiedLedger(dir)
  assert.ok(ok, JSON.stringify(faults[0]))
})
