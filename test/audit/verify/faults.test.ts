import assert from 'node:assert/strict'
import { test } from 'node:test'
import { faultList, type Found } from '../../../src/audit/verify/faults.ts'

const fault = (block: number, over: Partial<Found> = {}): Found => ({
  what: 'altered',
  table: 'exchanges',
  id: `id-${block}`,
  seq: block,
  block,
  at: null,
  detail: 'x',
  index: 0,
  ...over,
})

test('the first faults of the chain are kept in whatever order they come, and all are counted', () => {
  const list = faultList(3)
  for (let block = 500; block > 0; block -= 1) list.add(fault(block))
  assert.equal(list.count(), 500)
  assert.deepEqual(
    list.first().map(({ block }) => block),
    [1, 2, 3],
  )
})

test('within a block they come in the order of its entries', () => {
  const list = faultList(9)
  for (const index of [5, -1, Infinity, 0]) list.add(fault(1, { index, seq: index }))
  assert.deepEqual(
    list.first().map(({ seq }) => seq),
    [-1, 0, 5, Infinity],
  )
})

test('rows that stand in the places of each other were reordered', () => {
  const list = faultList(9)
  list.add(fault(1, { is: 'b', should: 'a' }))
  list.add(fault(2, { is: 'a', should: 'b' }))
  list.add(fault(3, { is: 'd', should: 'c' }))
  assert.deepEqual(
    list.first().map(({ what }) => what),
    ['reordered', 'reordered', 'altered'],
  )
})

test('a row that is missed in one place and too many in another was moved, and has its name in both', () => {
  const list = faultList(9)
  list.add(fault(1, { what: 'removed', id: null, should: 'a' }))
  list.add(fault(7, { what: 'inserted', id: 'row', is: 'a' }))
  assert.deepEqual(
    list.first().map(({ what, id }) => [what, id]),
    [
      ['reordered', 'row'],
      ['reordered', 'row'],
    ],
  )
})
