import assert from 'node:assert/strict'
import { test } from 'node:test'
import { columnsFile, openColumns, storedSegments } from '../../src/audit/segment-store.ts'
import { segmentChore } from '../../src/audit/segment-chore.ts'
import { derivedPath } from '../../src/store/derived.ts'
import { rmSync } from 'node:fs'
import { type WrittenLedger, writtenLedger } from '../support/written-ledger.ts'

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
