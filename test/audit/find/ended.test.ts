import assert from 'node:assert/strict'
import { test } from 'node:test'
import { endedAfter, entriesAfter, firstBlock } from '../../../src/audit/find/ended.ts'
import { writtenLedger } from '../../support/written-ledger.ts'

test('what has ended since a block is told once, in the order of the chain; what is open is not', () => {
  const ledger = writtenLedger()
  const [a, open] = ledger.exchanges({}, { state: 'open' }) as [number, number]
  const [tunnel] = ledger.connections({}) as [number]
  ledger.change('erased', a, { erased: '2026-01-02T00:00:00.000Z' })
  ledger.change('lost', open, { state: 'lost' })
  assert.partialDeepStrictEqual(endedAfter(ledger.db, 0), {
    through: 4,
    exchanges: [a, open],
    connections: [tunnel],
    erased: [a],
  })
  assert.partialDeepStrictEqual(endedAfter(ledger.db, 2), { exchanges: [a, open], connections: [] })
  assert.partialDeepStrictEqual(endedAfter(ledger.db, 0, 1), { through: 1, exchanges: [a] })
  assert.equal(endedAfter(ledger.db, 4), undefined)
  assert.deepEqual([entriesAfter(ledger.db, 0), entriesAfter(ledger.db, 3), entriesAfter(ledger.db, 4)], [5, 1, 0])
  ledger.close()
})

test('the first block is the one that retention has left', () => {
  const ledger = writtenLedger()
  assert.equal(firstBlock(ledger.db), Infinity)
  ledger.exchanges({})
  ledger.exchanges({})
  assert.equal(firstBlock(ledger.db), 1)
  ledger.remove(1)
  assert.equal(firstBlock(ledger.db), 2)
  ledger.close()
})
