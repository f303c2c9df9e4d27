import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cursorOf, setCursor, startOf } from '../../../src/audit/find/chain-cursor.ts'
import { removeOldest } from '../../../src/audit/keeper/retention.ts'
import { columnsFile } from '../../../src/audit/find/segment-store.ts'
import { openDerived } from '../../../src/store/derived.ts'
import { type WrittenLedger, writtenLedger } from '../../support/written-ledger.ts'

const linkAt = ({ db }: WrittenLedger, n: number): Uint8Array =>
  db.prepare<[number], Uint8Array>('SELECT link FROM chain WHERE n = ?').pluck().get(n)!

test('a cursor holds for the ledger that it was set for, also when retention has gone past it', () => {
  const ledger = writtenLedger()
  const derived = openDerived(ledger.dir, columnsFile)
  assert.equal(cursorOf(derived, ledger.db), undefined)
  for (let i = 0; i < 3; i += 1) ledger.exchanges({})
  const cursor = { ...startOf(ledger.db), block: 2, link: linkAt(ledger, 2) }
  setCursor(derived, cursor)
  assert.equal(cursorOf(derived, ledger.db)?.block, 2)
  ledger.remove(2)
  assert.equal(cursorOf(derived, ledger.db)?.block, 2)
  for (const one of [derived, ledger.db]) one.close()
})

test('it does not hold for another ledger, for another chain, or past the end of it', () => {
  const [ledger, other] = [writtenLedger(), writtenLedger()]
  const derived = openDerived(ledger.dir, columnsFile)
  for (const one of [ledger, other]) one.exchanges({})
  setCursor(derived, { ...startOf(ledger.db), block: 1, link: linkAt(ledger, 1) })
  assert.equal(cursorOf(derived, ledger.db)?.block, 1)
  assert.equal(cursorOf(derived, other.db), undefined)
  setCursor(derived, { ...startOf(ledger.db), block: 1, link: linkAt(other, 1) })
  assert.equal(cursorOf(derived, ledger.db), undefined)
  setCursor(derived, { ...startOf(ledger.db), block: 2, link: linkAt(ledger, 1) })
  assert.equal(cursorOf(derived, ledger.db), undefined)
  for (const one of [derived, ledger.db, other.db]) one.close()
})

test('what is derived from a ledger is not made anew when retention removes its first block', () => {
  const ledger = writtenLedger()
  const other = writtenLedger()
  const derived = openDerived(ledger.dir, columnsFile)
  for (let i = 0; i < 3; i += 1) {
    ledger.exchanges({})
    other.exchanges({})
  }
  setCursor(derived, { ...startOf(ledger.db), block: 2, link: linkAt(ledger, 2) })
  for (const { db, dir } of [ledger, other]) removeOldest(db, { dir, through: 1, entries: 100, now: Date.now() })
  assert.equal(ledger.db.prepare('SELECT min(n) FROM chain').pluck().get(), 2)
  assert.equal(cursorOf(derived, ledger.db)?.block, 2)
  assert.equal(cursorOf(derived, other.db), undefined)
  assert.deepEqual(startOf(ledger.db).ledger, cursorOf(derived, ledger.db)?.ledger)
  for (const one of [derived, ledger.db, other.db]) one.close()
})
