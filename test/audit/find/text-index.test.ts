import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { setCursor, startOf } from '../../../src/audit/find/chain-cursor.ts'
import { textFile, textHits } from '../../../src/audit/find/text-index.ts'
import { partFor } from '../../../src/audit/find/text-parts.ts'
import { derivedPath, openDerived } from '../../../src/store/derived.ts'
import { writtenLedger } from '../../support/written-ledger.ts'

test('the index is asked for trigrams; texts that have none, and ledgers it does not follow, are not answered', () => {
  const ledger = writtenLedger()
  const other = writtenLedger()
  const index = openDerived(ledger.dir, textFile)
  setCursor(index, startOf(ledger.db))
  const lines = ['the needle', 'needl and edle', '"quoted" 😀😁 text', `long ${'abcdefghij'.repeat(20)}`]
  lines.forEach((line, i) => partFor(index, 1, line.length).run(i + 1, line))
  const hits = (text: string) => [...(textHits(ledger, text)?.seqs ?? ['none'])]
  assert.deepEqual(hits('needle'), [1, 2])
  assert.deepEqual(hits('needle in'), [])
  assert.deepEqual(hits('"quo'), [3])
  assert.deepEqual(hits('😀😁 '), [3])
  assert.deepEqual(hits('abcdefghij'.repeat(15)), [4])
  assert.deepEqual(hits('ne'), ['none'])
  assert.deepEqual(hits('😀😁'), ['none'])
  assert.deepEqual(hits('a\0b'), ['none'])
  assert.equal(textHits({ db: other.db, dir: ledger.dir }, 'needle'), undefined)
  assert.equal(textHits(other, 'needle'), undefined)
  for (const one of [index, ledger.db, other.db]) one.close()
})

test('an index that is damaged does not answer', () => {
  const ledger = writtenLedger()
  const index = openDerived(ledger.dir, textFile)
  setCursor(index, startOf(ledger.db))
  partFor(index, 1, 5).run(1, 'the needle')
  index.close()
  const path = derivedPath(ledger.dir, textFile)
  const bytes = readFileSync(path)
  writeFileSync(path, bytes.fill(0x55, 4_096))
  assert.equal(textHits(ledger, 'needle'), undefined)
  ledger.close()
})
