import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { lastCheckpoint, makeCheckpoint, removedSoFar } from '../../../src/audit/checkpoints/checkpoints.ts'
import { erase } from '../../../src/audit/keeper/erase.ts'
import { chainRange, removeOldest } from '../../../src/audit/keeper/retention.ts'
import { spillName } from '../../../src/audit/bodies/spill-file.ts'
import type { Store } from '../../../src/store/open.ts'
import { addBlock, finish, ledgerIn, verifiedLedger } from '../../support/old-ledger.ts'
import { tempFolder } from '../../support/temp.ts'

const NOW = Date.UTC(2026, 10, 21)

function start(t: { after: (run: () => void) => void }): { dir: string; db: Store } {
  const dir = tempFolder('retention')
  const db = ledgerIn(dir)
  t.after(() => db.close())
  return { dir, db }
}

const countOf = (db: Store, table: string): number =>
  db.prepare<[], number>(`SELECT count(*) FROM ${table}`).pluck().get() ?? 0

test('blocks go from the front with their rows and files, and what is left verifies', async (t) => {
  const { dir, db } = start(t)
  const old = addBlock(db, dir, { at: NOW - 100, exchanges: 3, connections: 2, events: 1, inline: 5_000, spill: 200 })
  const young = addBlock(db, dir, { at: NOW - 50, exchanges: 2, spill: 100 })
  addBlock(db, dir, { at: NOW, exchanges: 1 })
  const step = removeOldest(db, { dir, through: 1, entries: 100, now: NOW })
  assert.deepEqual(
    { ...step, lockMs: 0, bytes: 0, from: '' },
    {
      toBlock: 1,
      entries: 6,
      exchanges: 3,
      connections: 2,
      events: 1,
      files: 3,
      from: '',
      to: new Date(NOW - 100).toISOString(),
      lockMs: 0,
      bytes: 0,
    },
  )
  assert.ok((step?.bytes ?? 0) > 600)
  assert.ok(old.every((id) => !existsSync(join(dir, spillName(id, 'response')))))
  assert.ok(young.every((id) => existsSync(join(dir, spillName(id, 'response')))))
  assert.deepEqual([countOf(db, 'exchanges'), countOf(db, 'connections')], [3, 0])
  assert.equal(chainRange(db).first, 2)
  const { ok, faults, removed } = await verifiedLedger(dir)
  assert.ok(ok, JSON.stringify(faults[0]))
  assert.equal(removed?.exchanges, 3)
})

test('what was removed is added up, and one checkpoint of it stays', async (t) => {
  const { dir, db } = start(t)
  for (let i = 10; i > 0; i -= 1) addBlock(db, dir, { at: NOW - i, exchanges: 2 })
  for (let through = 1; through < 6; through += 1) removeOldest(db, { dir, through, entries: 1, now: NOW })
  const { toBlock, entries, exchanges } = removedSoFar(db) ?? assert.fail()
  assert.deepEqual({ toBlock, entries, exchanges }, { toBlock: 5, entries: 10, exchanges: 10 })
  assert.equal(countOf(db, 'checkpoints'), 1)
  assert.ok((lastCheckpoint(db)?.number ?? 0) > 3)
  const { ok, faults } = await verifiedLedger(dir)
  assert.ok(ok, JSON.stringify(faults[0]))
})

test('a row whose last entry lies further on stays', async (t) => {
  const { dir, db } = start(t)
  const [id = ''] = addBlock(db, dir, { at: NOW - 100, state: 'open' })
  addBlock(db, dir, { at: NOW - 50 })
  finish(db, id, NOW - 20)
  addBlock(db, dir, { at: NOW })
  const step = removeOldest(db, { dir, through: 2, entries: 100, now: NOW })
  assert.deepEqual([step?.exchanges, step?.entries], [1, 2])
  assert.equal(countOf(db, 'exchanges'), 2)
  const { ok, faults } = await verifiedLedger(dir)
  assert.ok(ok, JSON.stringify(faults[0]))
})

test('also one that was open when an older ledger got its chain goes on', async (t) => {
  const { dir, db } = start(t)
  addBlock(db, dir, { at: NOW - 100, state: 'open', kind: 'done' })
  addBlock(db, dir, { at: NOW })
  removeOldest(db, { dir, through: 1, entries: 100, now: NOW })
  assert.equal(countOf(db, 'exchanges'), 2)
  assert.deepEqual((await verifiedLedger(dir)).faults, [])
})

test('an exchange that is still open goes on in a new block, and its end is kept', async (t) => {
  const { dir, db } = start(t)
  const [id = ''] = addBlock(db, dir, { at: NOW - 100, state: 'open' })
  addBlock(db, dir, { at: NOW })
  assert.equal(removeOldest(db, { dir, through: 1, entries: 100, now: NOW })?.exchanges, 0)
  assert.equal(countOf(db, 'exchanges'), 2)
  assert.ok((await verifiedLedger(dir)).ok)
  finish(db, id, NOW)
  const { ok, faults } = await verifiedLedger(dir)
  assert.ok(ok, JSON.stringify(faults[0]))
})

test('a step takes about so many entries, but a whole block at least; nothing beyond the last block that may go', (t) => {
  const { dir, db } = start(t)
  for (let i = 9; i > 0; i -= 1) addBlock(db, dir, { at: NOW - i, exchanges: 5 })
  assert.equal(removeOldest(db, { dir, through: 8, entries: 1, now: NOW })?.toBlock, 1)
  assert.equal(removeOldest(db, { dir, through: 8, entries: 12, now: NOW })?.toBlock, 3)
  assert.equal(removeOldest(db, { dir, through: 4, entries: 100, now: NOW })?.toBlock, 4)
  assert.equal(removeOldest(db, { dir, through: 4, entries: 100, now: NOW }), undefined)
})

test('when it cannot be signed nothing is removed', (t) => {
  const { dir, db } = start(t)
  addBlock(db, dir, { at: NOW - 100 })
  addBlock(db, dir, { at: NOW })
  assert.throws(() => removeOldest(db, { dir: '/dev/null', through: 1, entries: 100, now: NOW }))
  assert.equal(countOf(db, 'exchanges'), 2)
  assert.equal(chainRange(db).first, 0)
  assert.equal(db.inTransaction, false)
})

test('whatever is opened, finished, erased and removed in whatever order, the ledger verifies', async () => {
  const act = fc.oneof(
    fc.record({ what: fc.constant('open' as const), rows: fc.integer({ min: 1, max: 3 }) }),
    fc.record({ what: fc.constant('finish' as const), of: fc.nat() }),
    fc.record({ what: fc.constant('done' as const), rows: fc.integer({ min: 1, max: 4 }) }),
    fc.record({ what: fc.constant('erase' as const), principal: fc.constantFrom('ada', 'eve') }),
    fc.record({ what: fc.constant('remove' as const), part: fc.double({ min: 0, max: 1, noNaN: true }) }),
    fc.record({ what: fc.constant('checkpoint' as const) }),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(act, { minLength: 3, maxLength: 15 }), async (acts) => {
      const dir = tempFolder('retention')
      const db = ledgerIn(dir)
      const open: string[] = []
      for (const [i, step] of acts.entries()) {
        const principal = i % 2 === 0 ? 'ada' : 'eve'
        if (step.what === 'open')
          open.push(...addBlock(db, dir, { at: NOW + i, exchanges: step.rows, state: 'open', principal }))
        if (step.what === 'done')
          addBlock(db, dir, { at: NOW + i, exchanges: step.rows, events: 1, inline: 9, spill: 9, principal })
        if (step.what === 'finish' && open.length > 0)
          finish(db, open.splice(step.of % open.length, 1)[0] ?? '', NOW + i)
        if (step.what === 'checkpoint') makeCheckpoint(db, { dir, reason: 'demand', now: NOW + i })
        if (step.what === 'erase') {
          const target = { kind: 'principal', principal: step.principal, before: undefined } as const
          await erase(db, { dir, target, now: () => NOW + i, who: 'test' }, new AbortController().signal)
        }
        if (step.what === 'remove') {
          const { first, last } = chainRange(db)
          const through = Math.min(last - 1, first + Math.floor(step.part * (last - first)))
          removeOldest(db, { dir, through, entries: 5, now: NOW + i })
        }
      }
      const still = db.prepare<[], string>(`SELECT id FROM exchanges WHERE state = 'open' ORDER BY id`).pluck().all()
      db.close()
      assert.deepEqual(still, open.toSorted())
      const { ok, faults } = await verifiedLedger(dir)
      assert.ok(ok, JSON.stringify(faults[0]))
    }),
    { numRuns: 25 },
  )
})
