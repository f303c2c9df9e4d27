import assert from 'node:assert/strict'
import { test } from 'node:test'
import { segmentOf } from '../../src/audit/segment.ts'
import {
  columnsFile,
  dropSegment,
  openColumns,
  storedSegments,
  storeSegment,
  strikeRows,
} from '../../src/audit/segment-store.ts'
import { openDerived } from '../../src/store/derived.ts'
import { writtenLedger } from '../support/written-ledger.ts'

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
