import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LedgerFilter } from '../../../src/audit/find/filter.ts'
import { segmentFilter } from '../../../src/audit/find/segment-filter.ts'
import { type Segment, segmentOf } from '../../../src/audit/find/segment.ts'
import { writtenLedger } from '../../support/written-ledger.ts'

const anywhere = { firstBlock: 0, except: new Set<number>(), beforeSeq: Infinity }

test('columns are not read where nothing can fit, or all does', () => {
  const ledger = writtenLedger()
  const whole = segmentOf(ledger.db, 'exchanges', ledger.exchanges({}, {}))
  const read = (filter: LedgerFilter, bounds = anywhere): [number, string[]] => {
    const columns: string[] = []
    const words: Segment['words'] = (name) => (columns.push(name), whole.words(name))
    const numbers: Segment['numbers'] = (name) => (columns.push(name), whole.numbers(name))
    return [segmentFilter('exchanges', filter)({ ...whole, words, numbers }, bounds).length, columns]
  }
  assert.deepEqual(read({}), [2, []])
  assert.deepEqual(read({ since: '2025-01-01T00:00:00.000Z' }), [2, []])
  assert.deepEqual(read({ until: '2025-01-01T00:00:00.000Z', host: 'x' }), [0, []])
  assert.deepEqual(read({ host: 'api.*', model: 'x', provider: 'y' }), [0, ['host', 'model']])
  assert.deepEqual(read({ host: 'api.*' }, { ...anywhere, beforeSeq: 1 }), [0, []])
  assert.deepEqual(read({ host: 'api.*' }, { ...anywhere, firstBlock: 2 }), [0, []])
  assert.deepEqual(read({ host: 'api.*' }, { ...anywhere, except: new Set([2, 7]) }), [1, ['host', 'seq']])
  ledger.close()
})

test('a filter that means nothing for a table finds nothing', () => {
  const ledger = writtenLedger()
  const segment = segmentOf(ledger.db, 'connections', ledger.connections({}))
  assert.equal(segmentFilter('connections', { model: '*' })(segment, anywhere).length, 0)
  assert.equal(segmentFilter('connections', { decision: 'tunnel' })(segment, anywhere).length, 1)
  ledger.close()
})
