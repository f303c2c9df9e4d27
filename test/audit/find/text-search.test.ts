import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { rmSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import { contentReader } from '../../../src/audit/bodies/read-content.ts'
import { spillName, writeSpill } from '../../../src/audit/bodies/spill-file.ts'
import { textFile } from '../../../src/audit/find/text-index.ts'
import { textIndexChore } from '../../../src/audit/find/text-index-chore.ts'
import { searchTexts } from '../../../src/audit/find/text-search.ts'
import { removeDerived } from '../../../src/store/derived.ts'
import { type Columns, type WrittenLedger, writtenLedger } from '../../support/written-ledger.ts'

const settings = {
  durability: 'relaxed',
  retention: { days: 1, maxBytes: 1 },
  checkpointSeconds: 60,
  sinks: [],
} as const

const index = async ({ dir, db }: WrittenLedger, search = true): Promise<void> =>
  textIndexChore({ settings: { ...settings, dir, search }, db, now: Date.now }).run(new AbortController().signal)

const body = (text: string, side: 'request' | 'response' = 'request'): Columns => ({
  [`${side}_body`]: text,
  [`${side}_sha256`]: hash('sha256', text),
})

async function find(ledger: WrittenLedger, text: string, limit = Infinity, beforeSeq = Infinity): Promise<number[]> {
  const reader = contentReader({ dir: ledger.dir, keys: [] })
  const { seqs } = await searchTexts(ledger, { filter: { text }, limit, beforeSeq, reader })
  return [...seqs]
}

const bodies = [
  String.raw`{"messages":[{"content":"Viele Gr\u00fc\u00dfe, \"Ada\"\nab 漢字かな 😀"}]}`,
  'data: {"delta":{"text":"Gr"}}\n\ndata: {"delta":{"text":"üße an"}}\n\n',
  'Plain ÄRGER with 100% of "quotes" and ab',
  JSON.stringify({ arguments: JSON.stringify({ city: 'Zürich' }) }),
]
const texts = [
  'grüsse',
  'GRÜẞE',
  'ärger',
  'Zürich',
  '漢字か',
  '字',
  '😀',
  'ab',
  '100% of',
  '"quotes"',
  '"Ada"\nab',
  'xyz',
  'u00fc',
  'üße an',
]

test('a text is found in every spelling, with the index and without it', async () => {
  const ledger = writtenLedger()
  ledger.exchanges(...bodies.map((text, i) => body(text, i % 2 === 0 ? 'request' : 'response')))
  const expected = new Map(await Promise.all(texts.map(async (text) => [text, await find(ledger, text)] as const)))
  assert.deepEqual(expected.get('grüsse'), [2, 1])
  assert.deepEqual(expected.get('ärger'), [3])
  assert.deepEqual(expected.get('Zürich'), [4])
  assert.deepEqual(expected.get('"Ada"\nab'), [1])
  assert.deepEqual(expected.get('字'), [1])
  assert.deepEqual(expected.get('xyz'), [])
  await index(ledger)
  for (const text of texts) assert.deepEqual(await find(ledger, text), expected.get(text), text)
  ledger.close()
})

test('index and content agree, whatever was added, ended, erased and removed since', async () => {
  const text = fc.constantFrom(...bodies, 'other', '')
  const step = fc.oneof(
    fc.record({ kind: fc.constant('add' as const), text, open: fc.boolean() }),
    fc.record({ kind: fc.constantFrom('done' as const, 'erase' as const, 'remove' as const), which: fc.nat(20) }),
    fc.record({ kind: fc.constant('index' as const) }),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(step, { size: 'max', maxLength: 12 }), async (steps) => {
      const ledger = writtenLedger()
      try {
        for (const one of steps) {
          if (one.kind === 'index') await index(ledger)
          else if (one.kind === 'add') ledger.exchanges({ ...body(one.text), state: one.open ? 'open' : 'done' })
          else alter(ledger, one.kind, one.which)
        }
        const with_ = await Promise.all(texts.map((wanted) => find(ledger, wanted)))
        removeDerived(ledger.dir, textFile)
        assert.deepEqual(with_, await Promise.all(texts.map((wanted) => find(ledger, wanted))))
      } finally {
        ledger.close()
      }
    }),
    { numRuns: 25, endOnFailure: true },
  )
})

function alter(ledger: WrittenLedger, kind: 'done' | 'erase' | 'remove', which: number): void {
  if (kind === 'remove') return ledger.remove(Math.min(ledger.head() - 1, which))
  const seqs = ledger.db.prepare<[], number>('SELECT seq FROM exchanges').pluck().all()
  const seq = seqs[which % seqs.length]
  if (seq === undefined) return
  if (kind === 'done') ledger.change('done', seq, { state: 'done', ...body('an answer: Zürich', 'response') })
  else
    ledger.change('erased', seq, {
      erased: '2026-01-02T00:00:00.000Z',
      state: 'done',
      request_body: null,
      response_body: null,
    })
}

test('files are searched; one that is missing is told', async () => {
  const ledger = writtenLedger()
  const id = '01900000-0000-7000-8000-0000000000ff'
  const name = spillName(id, 'response')
  const sha256 = writeSpill({ dir: ledger.dir, name, content: Buffer.from('x'.repeat(100_000) + 'Nadel'), sync: false })
  ledger.exchanges({ id, response_spill: name, response_sha256: sha256 }, body('nadel'))
  for (const search of [false, true]) {
    if (search) await index(ledger)
    assert.deepEqual(await find(ledger, 'NADEL'), [2, 1])
    assert.deepEqual(await find(ledger, 'NADEL', 1), [2])
    assert.deepEqual(await find(ledger, 'NADEL', 1, 2), [1])
  }
  rmSync(`${ledger.dir}/${name}`)
  const reader = contentReader({ dir: ledger.dir, keys: [] })
  const found = await searchTexts(ledger, { filter: { text: 'nadel' }, limit: 9, beforeSeq: Infinity, reader })
  assert.deepEqual(found, { seqs: [2], unread: 1, incomplete: false })
  ledger.close()
})

test('what the index does not name is not read', async () => {
  const ledger = writtenLedger()
  ledger.exchanges(body('a needle'), body('hay'), body('more hay'))
  await index(ledger)
  const read: unknown[] = []
  const reader = contentReader({ dir: ledger.dir, keys: [] })
  // Sealed rows are read through the reader only, which counts here.
  ledger.db.exec(`UPDATE exchanges SET body_key = 'k'`)
  const counting = { ...reader, read: async (row: Columns) => (read.push(row['id']), { kind: 'none' as const }) }
  await searchTexts(ledger, { filter: { text: 'needle' }, limit: 9, beforeSeq: Infinity, reader: counting })
  assert.equal(new Set(read).size, 1)
  ledger.close()
})
