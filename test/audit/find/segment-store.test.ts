import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { statsOf } from '../../../src/audit/find/ledger-stats.ts'
import { segmentChore } from '../../../src/audit/find/segment-chore.ts'
import { segmentOf } from '../../../src/audit/find/segment.ts'
import {
  columnsFile,
  dropSegment,
  openColumns,
  storedSegments,
  storeSegment,
  strikeRows,
} from '../../../src/audit/find/segment-store.ts'
import { derivedPath, openDerived } from '../../../src/store/derived.ts'
import { writtenLedger } from '../../support/written-ledger.ts'

const settings = {
  durability: 'relaxed',
  retention: { days: 1, maxBytes: 1 },
  checkpointSeconds: 60,
  search: false,
  sinks: [],
} as const

test('segments are stored, struck out of and dropped, each table by itself', () => {
  const ledger = writtenLedger()
  const exchanges = ledger.exchanges({ model: 'gpt' }, {}, {})
  const connections = ledger.connections({ handling: 'deny' })
  const columns = openDerived(ledger.dir, columnsFile)
  storeSegment(columns, segmentOf(ledger.db, 'exchanges', exchanges.slice(0, 2)))
  storeSegment(columns, segmentOf(ledger.db, 'connections', connections))
  storeSegment(columns, segmentOf(ledger.db, 'exchanges', exchanges.slice(2)))
  const [newer, older] = storedSegments(columns, 'exchanges')
  assert.deepEqual([...newer!.numbers('seq'), ...older!.numbers('seq')], [3, 1, 2])
  assert.deepEqual(older!.words('model'), { names: [null, 'gpt'], codes: Uint16Array.of(1, 0) })
  assert.deepEqual(storedSegments(columns, 'connections')[0]?.words('handling').names, [null, 'deny'])
  strikeRows(columns, older!, [1])
  const [, struck] = storedSegments(columns, 'exchanges')
  assert.deepEqual([...struck!.numbers('block')], [1, 0])
  assert.equal(struck!.range.minBlock, 0)
  dropSegment(columns, older!.id)
  assert.deepEqual(
    storedSegments(columns, 'exchanges').map(({ id }) => id),
    [newer!.id],
  )
  columns.close()
  const reading = openColumns(ledger.dir)
  assert.equal(storedSegments(reading!, 'connections').length, 1)
  reading?.close()
  ledger.close()
})

test('columns that are damaged are not used, and made anew by the next round', async () => {
  const ledger = writtenLedger()
  ledger.exchanges(
    ...Array.from({ length: 5_000 }, (_, i) => ({ model: `model ${i % 50}`, cost_usd: Math.sqrt(i + 0.5) })),
  )
  const chore = segmentChore({ settings: { ...settings, dir: ledger.dir }, db: ledger.db })
  await chore.run(new AbortController().signal)
  const columns = openDerived(ledger.dir, columnsFile)
  const [segment] = storedSegments(columns, 'exchanges')
  assert.equal(segment?.rows, 5_000)
  columns.exec('UPDATE columns SET data = zeroblob(length(data))')
  columns.close()
  const found = () => statsOf(ledger, { model: 'model 7' }).exchanges
  assert.equal(found(), 100)
  ledger.exchanges(...Array.from({ length: 5_000 }, () => ({ model: 'model 7' })))
  await assert.rejects(async () => chore.run(new AbortController().signal))
  assert.equal(found(), 5_100)
  await chore.run(new AbortController().signal)
  const path = derivedPath(ledger.dir, columnsFile)
  const bytes = readFileSync(path)
  writeFileSync(path, bytes.fill(0x55, 4_096, bytes.length - 4_096))
  assert.equal(found(), 5_100)
  ledger.close()
})
