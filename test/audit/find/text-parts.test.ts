import assert from 'node:assert/strict'
import { test } from 'node:test'
import { textFile } from '../../../src/audit/find/text-index.ts'
import { partFor, purgeStep, removeGone, removeRows, startParts } from '../../../src/audit/find/text-parts.ts'
import { openDerived } from '../../../src/store/derived.ts'
import { writtenLedger } from '../../support/written-ledger.ts'

type Part = { readonly id: number; readonly min_block: number; readonly tombstones: number; readonly urgent: number }

function indexed() {
  const ledger = writtenLedger()
  const index = openDerived(ledger.dir, textFile)
  const parts = () => index.prepare<[], Part>('SELECT id, min_block, tombstones, urgent FROM parts').all()
  const close = () => [index, ledger.db].forEach((one) => one.close())
  return { ledger, index, parts, close }
}

test('a full part is followed by a new one, and goes with its last row', () => {
  const { ledger, index, parts, close } = indexed()
  const seqs = [...ledger.exchanges({}, {}), ...ledger.exchanges({})]
  seqs.forEach((seq, i) => partFor(index, i < 2 ? 1 : 2, i === 1 ? 2 ** 26 : 5).run(seq, `text ${seq}`))
  assert.deepEqual(
    parts().map(({ id, min_block }) => [id, min_block]),
    [
      [1, 1],
      [2, 2],
    ],
  )
  const gone = { ledger: ledger.db, index, now: () => 0 }
  assert.equal(removeGone(gone), false)
  ledger.exchanges({})
  ledger.remove(1)
  while (removeGone(gone)) assert.ok(parts().length > 0)
  assert.deepEqual(
    parts().map(({ id }) => id),
    [2],
  )
  startParts(index)
  assert.deepEqual(parts(), [])
  close()
})

test('removed rows leave tombstones until the part is merged: soon when it is urgent, else when ten minutes have passed', () => {
  const { ledger, index, parts, close } = indexed()
  for (const seq of ledger.exchanges({}, {}, {})) partFor(index, 1, 5).run(seq, `text ${seq}`)
  let time = 0
  const gone = { ledger: ledger.db, index, now: () => time }
  removeRows(index, [1, 99], true)
  assert.deepEqual(parts(), [{ id: 1, min_block: 1, tombstones: 1, urgent: 1 }])
  while (purgeStep(gone)) assert.ok(parts()[0]!.tombstones <= 1)
  assert.deepEqual(parts(), [{ id: 1, min_block: 1, tombstones: 0, urgent: 0 }])
  time = 1_000
  removeRows(index, [2], false)
  assert.equal(purgeStep(gone), false)
  time = 700_000
  while (purgeStep(gone)) assert.ok(parts()[0]!.tombstones <= 1)
  assert.equal(parts()[0]!.tombstones, 0)
  close()
})
