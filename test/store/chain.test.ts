import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { startRecorder } from '../../src/audit/recorder.ts'
import { chainColumns, chainOf, digestOf, entriesOf, entryKinds } from '../../src/store/chain.ts'
import { openStore, type Store } from '../../src/store/open.ts'
import { assertCovered, chainOfLedger } from '../support/chained.ts'
import { connectionRow, doneRow, openRow } from '../support/ledger-rows.ts'
import { tempFolder } from '../support/temp.ts'

function columnsOf(db: Store, table: string): string[] {
  return db
    .prepare<[], { name: string }>(`PRAGMA table_info(${table})`)
    .all()
    .map(({ name }) => name)
}

test('every column of the three tables is covered but those that cannot be or need not be', () => {
  const db = openStore({ dir: tempFolder(), durability: 'relaxed' })
  const left = (table: 'exchanges' | 'connections' | 'events'): string[] =>
    columnsOf(db, table).filter((name) => !chainColumns[table].includes(name))
  assert.deepEqual(left('exchanges').toSorted(), [
    'block',
    'owner',
    'request_body',
    'request_spill',
    'response_body',
    'response_spill',
    'seq',
  ])
  assert.deepEqual(left('connections'), ['seq', 'block'])
  assert.deepEqual(left('events'), ['seq', 'block'])
  db.close()
})

test('every kind of write of the recorder leaves an entry, and each row fits its last', async () => {
  const dir = tempFolder()
  const recorder = startRecorder({ dir, durability: 'crash', inlineBytes: 100 })
  const odd = openRow({
    principal: 'lone \ud800 surrogate',
    path: '/nul\0 and \u2028',
    requestBody: 'x',
    requestSha256: 'y',
  })
  const plain = openRow({ requestContent: Buffer.alloc(500, 'a'), requestSpill: null })
  await Promise.all([recorder.open(odd), recorder.open(plain)])
  await recorder.open(openRow())
  recorder.done(doneRow(odd.id, { durationMs: 5, addedMs: 0.1 + 0.2, costUsd: 1e-7, error: 'a\nb' }))
  const refused = openRow()
  recorder.once(refused, doneRow(refused.id))
  recorder.once(refused, doneRow(refused.id, { status: 403 }))
  recorder.connection(connectionRow({ bytesDown: 2 ** 52 }))
  recorder.event({ id: 'e', at: 'now', who: 'ada', what: 'policy.reload', before: null, after: '{}' })
  await recorder.close()
  const db = openStore({ dir, durability: 'crash' })
  assertCovered(db)
  const kinds = chainOfLedger(db).map(({ kind }) => kind)
  assert.deepEqual(
    Object.entries(entryKinds).map(([name, kind]) => [name, kinds.filter((one) => one === kind).length]),
    [
      ['open', 3],
      ['done', 1],
      ['once', 2],
      ['connection', 1],
      ['event', 1],
      ['lost', 2],
      ['erased', 0],
    ],
  )
  db.close()
})

test('a transaction that writes nothing makes no block, and one that fails leaves none', () => {
  const db = openStore({ dir: tempFolder(), durability: 'relaxed' })
  const { write, head } = chainOf(db)
  const before = head()
  db.transaction(() => write('now', () => {})).immediate()
  assert.deepEqual(head(), before)
  const failing = db.transaction(() =>
    write('now', (block) => {
      block.add(entryKinds.event, 1, Buffer.alloc(32))
      throw new Error('no')
    }),
  )
  assert.throws(() => failing.immediate(), /no/)
  assert.deepEqual(head(), before)
  db.transaction(() => write('now', (block) => block.add(entryKinds.event, 1, Buffer.alloc(32)))).immediate()
  assert.equal(head().n, before.n + 1)
  assert.equal(chainOfLedger(db).length, 1)
  db.close()
})

test('entries are read as they were written, whatever their number', () => {
  const db = openStore({ dir: tempFolder(), durability: 'relaxed' })
  const { write } = chainOf(db)
  const entry = fc
    .tuple(
      fc.constantFrom(...Object.values(entryKinds)),
      fc.nat({ max: 2 ** 48 - 1 }),
      fc.uint8Array({ minLength: 32, maxLength: 32 }),
    )
    .map(([kind, seq, digest]) => ({ kind, seq, digest: Buffer.from(digest) }))
  fc.assert(
    fc.property(fc.array(entry, { minLength: 1, maxLength: 200 }), (entries) => {
      db.transaction(() =>
        write('now', (block) => {
          for (const { kind, seq, digest } of entries) block.add(kind, seq, digest)
        }),
      ).immediate()
      const blob = db.prepare<[], Uint8Array>('SELECT entries FROM chain ORDER BY n DESC LIMIT 1').pluck().get()
      assert.deepEqual(entriesOf(blob ?? Buffer.alloc(0)), entries)
    }),
    { numRuns: 50 },
  )
  chainOfLedger(db)
  db.close()
})

test('bytes that are no entries are refused, at whatever byte they end', () => {
  const one = Buffer.concat([Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 9]), Buffer.alloc(32, 7)])
  assert.equal(entriesOf(Buffer.concat([one, one])).length, 2)
  for (let cut = 1; cut < one.length; cut += 1) assert.throws(() => entriesOf(one.subarray(0, cut)), RangeError)
  assert.throws(() => entriesOf(Buffer.concat([Buffer.from([7]), one.subarray(1)])), RangeError)
  assert.throws(() => entriesOf(Buffer.concat([Buffer.from([0, 255]), one.subarray(2)])), RangeError)
})

test('a digest is of the JSON of the table and the values', () => {
  const values = ['id', 'ä\u2028', null, 5, 0.1]
  assert.equal(
    digestOf('events', values).toString('hex'),
    hash('sha256', '["events","id","ä\u2028",null,5,0.1]', 'hex'),
  )
})
