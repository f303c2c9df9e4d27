import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { test } from 'node:test'
import { erase } from '../../../src/audit/keeper/erase.ts'
import { statsOf } from '../../../src/audit/find/ledger-stats.ts'
import { removeOldest } from '../../../src/audit/keeper/retention.ts'
import { newest, select } from '../../../src/audit/find/selection.ts'
import { columnsFile, openColumns, storedSegments } from '../../../src/audit/find/segment-store.ts'
import { segmentChore } from '../../../src/audit/find/segment-chore.ts'
import { derivedPath } from '../../../src/store/derived.ts'
import { type WrittenLedger, writtenLedger } from '../../support/written-ledger.ts'

const settings = {
  durability: 'relaxed',
  retention: { days: 1, maxBytes: 1 },
  checkpointSeconds: 60,
  search: false,
  sinks: [],
} as const

const keep = async ({ dir, db }: WrittenLedger, behind = 1, signal = new AbortController().signal): Promise<void> =>
  segmentChore({ settings: { ...settings, dir }, db }, { rows: 3, behind, step: 2 }).run(signal)

function seqsIn({ dir }: WrittenLedger): number[][] {
  const columns = openColumns(dir)
  if (columns === undefined) return []
  const all = storedSegments(columns, 'exchanges').map((segment) => [...segment.numbers('seq')])
  columns.close()
  return all
}

test('the last segment is filled up before another begins', async () => {
  const ledger = writtenLedger()
  ledger.exchanges({}, {})
  await keep(ledger)
  assert.deepEqual(seqsIn(ledger), [[1, 2]])
  ledger.exchanges({}, {}, {})
  await keep(ledger)
  assert.deepEqual(seqsIn(ledger), [
    [4, 5],
    [1, 2, 3],
  ])
  ledger.close()
})

test('little is left to readers, and a segment goes with its last row', async () => {
  const ledger = writtenLedger()
  ledger.exchanges({}, {})
  await keep(ledger, 3)
  assert.deepEqual(seqsIn(ledger), [])
  ledger.exchanges({}, {}, {})
  await keep(ledger, 3)
  assert.deepEqual(seqsIn(ledger), [
    [4, 5],
    [1, 2, 3],
  ])
  ledger.remove(1)
  await keep(ledger)
  assert.deepEqual(seqsIn(ledger).length, 2)
  ledger.exchanges({})
  ledger.remove(2)
  await keep(ledger)
  assert.deepEqual(seqsIn(ledger), [[6]])
  ledger.close()
})

test('a file that was lost is made again, and nothing is done after the signal', async () => {
  const ledger = writtenLedger()
  ledger.exchanges({}, {})
  await keep(ledger, 1, AbortSignal.abort())
  assert.deepEqual(seqsIn(ledger), [])
  await keep(ledger)
  for (const suffix of ['', '-wal', '-shm']) rmSync(derivedPath(ledger.dir, columnsFile) + suffix, { force: true })
  await keep(ledger)
  assert.deepEqual(seqsIn(ledger), [[1, 2]])
  ledger.close()
})

test('what retention and erasure leave is what stats count and find gives', async () => {
  const ledger = writtenLedger()
  for (let i = 0; i < 6; i += 1)
    ledger.exchanges({ principal: 'ada' }, { principal: 'bob', state: i === 0 ? 'open' : 'done' })
  await keep(ledger)
  const { dir, db } = ledger
  const now = Date.UTC(2026, 0, 2)
  await erase(
    db,
    { dir, now: () => now, who: 'eve', target: { kind: 'exchange', id: idAt(ledger, 1) } },
    new AbortController().signal,
  )
  for (const keeps of [false, true, false]) {
    if (keeps) await keep(ledger)
    assert.equal(removeOldest(db, { dir, through: ledger.head() - 2, entries: 3, now }) === undefined, false)
    const count = db.prepare<[], number>('SELECT count(*) FROM exchanges').pluck().get() ?? 0
    assert.equal(statsOf(ledger, {}).exchanges, count)
    const left = db
      .prepare<[], number>(`SELECT seq FROM exchanges WHERE principal = 'bob' ORDER BY seq DESC`)
      .pluck()
      .all()
    const search = { table: 'exchanges', filter: { principal: 'bob' } } as const
    assert.deepEqual(
      select(ledger, search, (selected) => newest(selected, 100)),
      left,
    )
  }
  ledger.close()
})

const idAt = ({ db }: WrittenLedger, seq: number): string =>
  String(db.prepare<[number], string>('SELECT id FROM exchanges WHERE seq = ?').pluck().get(seq))
