import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { faultList } from '../../../src/audit/verify/faults.ts'
import { digestOf, ENTRY_BYTES, rowWalk, tables } from '../../../src/audit/verify/rows.ts'
import type { Block, Content, Row, Source, Table } from '../../../src/audit/verify/source.ts'
import { chainColumns, digestOf as writtenDigest } from '../../../src/store/chain.ts'

type Stored = Row & { readonly table: Table; readonly content?: Content }

function sourceOf(rows: readonly Stored[], excerpt = false): Source {
  const find = (table: Table, seq: number): Stored | undefined =>
    rows.find((row) => row.table === table && row.seq === seq)
  return {
    columns: chainColumns,
    excerpt,
    blocks: () => [],
    checkpoints: () => [],
    rows: (_, wanted) => wanted.map(({ table, seq }) => find(table, seq)),
    content: (row, side) => (side === 'request' ? ((row as Stored).content ?? none) : none),
    find,
    strays: () => [],
  }
}

const none: Content = { kind: 'none', file: false }

function row(table: Table, seq: number, block: number, over: Record<string, string | number | null> = {}): Stored {
  const values = chainColumns[table].map((name) => over[name] ?? (name === 'id' ? `${table}-${seq}` : null))
  return { table, seq, block, values }
}

function entry(kind: number, seq: number, digest: Uint8Array): Buffer {
  const bytes = Buffer.alloc(ENTRY_BYTES)
  bytes[0] = kind
  bytes.writeBigUInt64BE(BigInt(seq), 1)
  bytes.set(digest, 9)
  return bytes
}

const of = ({ table, values, seq }: Stored, kind = { exchanges: 1, connections: 3, events: 4 }[table]): Buffer =>
  entry(kind, seq, digestOf(table, values))

async function walked(blocks: readonly Buffer[][], rows: readonly Stored[], excerpt = false, awaited?: number) {
  const faults = faultList(50)
  const walk = rowWalk(sourceOf(rows, excerpt), faults, awaited)
  for (const [i, entries] of blocks.entries()) {
    const block: Block = { n: i + 1, at: `at ${i + 1}`, entries: Buffer.concat(entries), link: Buffer.alloc(32) }
    await walk.next(block)
  }
  await walk.end()
  return { ...walk.outcome(), faults: faults.first().map(({ what, seq }) => `${what} ${seq}`) }
}

test('a digest is the one that was written', () => {
  const value = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.integer(),
    fc.constant(null),
  )
  fc.assert(
    fc.property(fc.constantFrom(...tables), fc.array(value), (table, values) => {
      assert.deepEqual(digestOf(table, values), writtenDigest(table, values))
    }),
  )
})

test('with more rows gone than can be waited for, none is passed over', async () => {
  const gone = [1, 2, 3].map((seq) => of(row('exchanges', seq, seq)))
  const later = row('exchanges', 4, 5, { state: 'done' })
  const blocks = [...gone.map((one) => [one]), [of(row('exchanges', 4, 4))], [of(later)]]
  const { faults } = await walked(blocks, [later], false, 1)
  assert.deepEqual(faults.toSorted(), ['removed 1', 'removed 2', 'removed 3'])
})

test('of several entries for a row the last one counts, in one block or in several', async () => {
  const now = row('exchanges', 1, 2, { state: 'done' })
  const open = entry(0, 1, digestOf('exchanges', row('exchanges', 1, 1).values))
  assert.deepEqual((await walked([[open], [open, of(now)]], [now])).faults, [])
  assert.deepEqual((await walked([[open], [of(now), open]], [now])).faults, ['altered 1'])
})

test('a row that says a later block must have an entry there', async () => {
  const now = row('exchanges', 1, 2)
  const found = await walked([[of(now)], []], [now])
  assert.deepEqual(found.faults, ['altered 1'])
})

test('a row that was put back to what it was before is found', async () => {
  const before = row('exchanges', 1, 1)
  const after = row('exchanges', 1, 2, { state: 'done' })
  assert.deepEqual((await walked([[of(before, 0)], [of(after)]], [before])).faults, ['altered 1'])
})

test('bytes that are no entry are told, and the others are still read', async () => {
  const event = row('events', 3, 1)
  const far = Buffer.alloc(ENTRY_BYTES, 0xff)
  const found = await walked([[entry(7, 1, Buffer.alloc(32)), of(event), far, Buffer.alloc(9)]], [event])
  assert.equal(found.faults.length, 2)
  assert.equal(found.rows.events, 1)
})

test('in an excerpt rows may be left out, and are counted', async () => {
  const rows = [row('events', 1, 1), row('events', 2, 1)]
  const found = await walked([rows.map((one) => of(one))], rows.slice(1), true)
  assert.deepEqual(found.faults, [])
  assert.equal(found.digestsOnly, 1)
})

test('content is bad unless the row itself says why it is not there', async () => {
  const sha = { request_sha256: 'a'.repeat(64) }
  const cases: [Content['kind'], Record<string, string>, string | undefined][] = [
    ['fits', sha, undefined],
    ['none', {}, undefined],
    ['none', sha, 'altered 1'],
    ['none', { ...sha, state: 'lost' }, 'altered 1'],
    ['none', { ...sha, erased: 'then' }, undefined],
    ['none', { ...sha, error: 'x; request body not kept: EIO' }, undefined],
    ['none', { ...sha, error: 'response body not kept: EIO' }, 'altered 1'],
    ['altered', sha, 'file altered 1'],
    ['altered', { ...sha, state: 'lost' }, 'file altered 1'],
    ['altered', {}, 'inserted 1'],
    ['missing', sha, 'file missing 1'],
    ['missing', { ...sha, state: 'lost' }, undefined],
    ['missing', { ...sha, erased: 'then' }, undefined],
    ['sealed', sha, undefined],
    ['skipped', sha, undefined],
    ['gone', sha, undefined],
  ]
  for (const [kind, over, expected] of cases) {
    const one = { ...row('exchanges', 1, 1, over), content: { kind, file: kind !== 'none' } }
    const { faults } = await walked([[of(one)]], [one])
    assert.deepEqual(faults, expected === undefined ? [] : [expected], JSON.stringify([kind, over]))
  }
})
