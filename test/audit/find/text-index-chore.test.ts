import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { writeSpill } from '../../../src/audit/bodies/spill-file.ts'
import { textFile, textHits } from '../../../src/audit/find/text-index.ts'
import { textIndexChore } from '../../../src/audit/find/text-index-chore.ts'
import { derivedPath } from '../../../src/store/derived.ts'
import { type Columns, type WrittenLedger, writtenLedger } from '../../support/written-ledger.ts'

const settings = {
  durability: 'relaxed',
  retention: { days: 1, maxBytes: 1 },
  checkpointSeconds: 60,
  sinks: [],
} as const

const index = async ({ dir, db }: WrittenLedger, now = 0, search = true): Promise<void> =>
  textIndexChore({ settings: { ...settings, dir, search }, db, now: () => now }).run(new AbortController().signal)

const body = (text: string): Columns => ({ request_body: text, request_sha256: hash('sha256', text) })
const hits = (ledger: WrittenLedger, text: string): number[] => [...(textHits(ledger, text)?.seqs ?? [])]

/** Whether the file, or its log, holds a trigram of the word in any way. */
function isIn({ dir }: WrittenLedger, word: string): boolean {
  const files = ['', '-wal'].map((suffix) => derivedPath(dir, textFile) + suffix).filter((path) => existsSync(path))
  const bytes = Buffer.concat(files.map((path) => readFileSync(path)))
  return [...word].some((_, i) => i + 3 <= word.length && bytes.includes(word.slice(i, i + 3)))
}

test('exchanges are indexed when they have ended', async () => {
  const ledger = writtenLedger()
  const [, open] = ledger.exchanges(body('one needle'), { ...body('another needle'), state: 'open' })
  await index(ledger)
  assert.deepEqual(hits(ledger, 'needle'), [1])
  ledger.change('done', open!, { state: 'done' })
  await index(ledger)
  assert.deepEqual(hits(ledger, 'needle'), [1, open])
  assert.equal(textHits(ledger, 'ne'), undefined)
  ledger.close()
})

test('of what was erased or removed nothing is left in the file', async () => {
  const ledger = writtenLedger()
  ledger.exchanges(body('qzxjwv'), body('a common text'))
  ledger.exchanges(body('vkqzjx'))
  ledger.exchanges(...Array.from({ length: 50 }, (_, i) => body(`text ${i}`)))
  await index(ledger)
  assert.ok(isIn(ledger, 'qzxjwv') && isIn(ledger, 'vkqzjx'))
  ledger.change('erased', 1, { erased: '2026-01-02T00:00:00.000Z', request_body: null })
  await index(ledger)
  assert.equal(isIn(ledger, 'qzxjwv'), false)
  assert.deepEqual(hits(ledger, 'common'), [2])
  ledger.remove(2)
  await index(ledger, 700_000)
  assert.equal(isIn(ledger, 'vkqzjx'), false)
  assert.deepEqual(hits(ledger, 'text 7'), [11])
  ledger.close()
})

test('bodies that cannot be read are marked, so that they are looked at', async () => {
  const ledger = writtenLedger()
  ledger.exchanges({ request_spill: 'bodies/2026/01/01/x.request', request_sha256: 'x' })
  await index(ledger)
  assert.deepEqual(hits(ledger, 'anything'), [1])
  ledger.close()
})

test('so are bodies too large to be held, which take no memory', async () => {
  const ledger = writtenLedger()
  const name = 'bodies/2026/01/01/0197a3c2-0000-7000-8000-000000000001.request'
  const large = Buffer.alloc(5 * 2 ** 20, 'many words ')
  const sha256 = writeSpill({ dir: ledger.dir, name, content: large, sync: false })
  ledger.exchanges({ request_spill: name, request_sha256: sha256 })
  await index(ledger)
  assert.deepEqual(hits(ledger, 'anything'), [1])
  ledger.close()
})

test('switched off, the file is removed', async () => {
  const ledger = writtenLedger()
  ledger.exchanges(body('one needle'))
  await index(ledger)
  assert.ok(existsSync(derivedPath(ledger.dir, textFile)))
  await index(ledger, 0, false)
  assert.ok(!existsSync(derivedPath(ledger.dir, textFile)))
  ledger.close()
})

test('a round ends, and takes out what was removed, also while more is written all the time', async () => {
  const ledger = writtenLedger()
  ledger.exchanges(body('qzxjwv'))
  ledger.exchanges(body('another text'))
  await index(ledger)
  ledger.remove(1)
  ledger.exchanges(body('more'))
  const writing = setInterval(() => ledger.exchanges(body('and more')), 0)
  await index(ledger, 700_000)
  clearInterval(writing)
  assert.equal(isIn(ledger, 'qzxjwv'), false)
  assert.ok(hits(ledger, 'more').includes(3))
  ledger.close()
})
