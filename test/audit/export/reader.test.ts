import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Cursor, startNow } from '../../../src/audit/export/cursors.ts'
import { chainReader, type Read, type ReaderOptions } from '../../../src/audit/export/reader.ts'
import { startRecorder } from '../../../src/audit/recorder.ts'
import { chainOf, entryKinds } from '../../../src/store/chain.ts'
import { openStore, type Store } from '../../../src/store/open.ts'
import { connectionRow, doneRow, openRow } from '../../support/ledger-rows.ts'
import { tempFolder } from '../../support/temp.ts'

const start: Cursor = { block: 0, position: 0, checkpoint: 0 }
const wide = { rows: 1_000, bytes: 2 ** 24 }

/** A ledger with three exchanges (the second still open), a connection and an event, in several blocks. */
async function filled(): Promise<{ dir: string; db: Store; ids: Record<string, string> } & Disposable> {
  const dir = tempFolder('reader')
  const recorder = startRecorder({ dir, durability: 'relaxed', inlineBytes: 1_000 })
  const [first, second, third, tunnel] = [openRow(), openRow(), openRow(), connectionRow()]
  await recorder.open(first)
  await recorder.open(second)
  recorder.once(third, doneRow(third.id, { findings: '[{"type":"EMAIL"}]' }))
  await recorder.flush()
  recorder.done(doneRow(first.id))
  recorder.connection(tunnel)
  const at = new Date().toISOString()
  recorder.event({ id: 'event-1', at, who: 'ada', what: 'policy.reload', before: null, after: '{"a":1}' })
  await recorder.flush()
  // The open row stays open: this recorder is not closed before the test reads.
  const db = openStore({ dir, durability: 'relaxed' })
  const ids = { first: first.id, second: second.id, third: third.id, tunnel: tunnel.id }
  await recorder.close()
  return { dir, db, ids, [Symbol.dispose]: () => void db.close() }
}

const named = ({ rows }: Read): unknown[] => rows.map(({ out }) => out.row.id ?? out.row.number)

const everything: ReaderOptions = { include: ['exchanges', 'connections', 'events', 'checkpoints'], bodies: false }

test('rows come in the order of the chain: exchanges as they end, lost ones too, connections, events', async () => {
  using it = await filled()
  const read = chainReader(it.db, everything).read(start, wide)
  const { first, second, third, tunnel } = it.ids
  assert.deepEqual(named(read), [third, first, tunnel, 'event-1', second])
  assert.deepEqual(read.next, startNow(it.db))
  assert.deepEqual([read.more, read.gap, read.missing], [false, undefined, 0])
  const exchange = read.rows[0]?.out
  assert.deepEqual([exchange?.table, exchange?.row.findings], ['exchanges', [{ type: 'EMAIL' }]])
  for (const left of ['seq', 'owner', 'request_body']) assert.equal(Object.hasOwn(exchange?.row ?? {}, left), false)
  assert.equal(read.rows.at(-1)?.out.row.state, 'lost')
  assert.deepEqual(read.rows[3]?.out.row.after, { a: 1 })
  assert.deepEqual(named(chainReader(it.db, { ...everything, include: ['events'] }).read(start, wide)), ['event-1'])
})

test('reading on from behind any row gives the rest, whatever the bounds', async () => {
  using it = await filled()
  const { read } = chainReader(it.db, everything)
  const all = read(start, wide)
  for (const [i, { next }] of all.rows.entries()) {
    assert.deepEqual(named(read(next, wide)), named(all).slice(i + 1))
  }
  for (const bounds of [
    { rows: 1, bytes: 2 ** 24 },
    { rows: 2, bytes: 2 ** 24 },
    { rows: 9, bytes: 1 },
  ]) {
    const pieces: unknown[] = []
    let at = start
    for (let piece = read(at, bounds); ; piece = read(at, bounds)) {
      pieces.push(...named(piece))
      at = piece.next
      if (!piece.more) break
      assert.ok(piece.rows.length <= bounds.rows)
    }
    assert.deepEqual(pieces, named(all))
  }
})

test('a checkpoint comes behind the block that it covers, its statement as it was signed', async () => {
  using it = await filled()
  const insert = it.db.prepare('INSERT INTO checkpoints VALUES (?, ?, ?, ?, ?, ?)')
  insert.run(1, new Date().toISOString(), 'interval', 0, '{"number":1}', Buffer.from([1, 2]))
  insert.run(2, new Date().toISOString(), 'interval', startNow(it.db).block - 1, '{ "number":2}', Buffer.from([3]))
  const { rows } = chainReader(it.db, everything).read(start, wide)
  assert.deepEqual([rows[0]?.out.row.number, rows.at(-1)?.out.row.number, rows.length], [1, 2, 7])
  assert.deepEqual(
    [rows[0]?.out.row.statement, rows[0]?.out.row.signature, rows[0]?.out.table],
    ['{"number":1}', 'AQI', 'checkpoints'],
  )
  const after = rows.at(-1)?.next ?? start
  assert.deepEqual(named(chainReader(it.db, everything).read(after, wide)), [])
})

test('blocks that retention removed are a gap, rows that are gone are missing, and erased content is passed over', async () => {
  using it = await filled()
  const { read } = chainReader(it.db, everything)
  it.db.exec(`DELETE FROM events`)
  const missing = read(start, wide)
  assert.deepEqual([missing.rows.length, missing.missing], [4, 1])
  const head = startNow(it.db).block - 1
  it.db.prepare('DELETE FROM chain WHERE n < ?').run(head)
  const { gap, rows } = read(start, wide)
  assert.deepEqual(gap, { from: 0, to: head })
  assert.deepEqual(
    rows.map(({ out }) => out.block),
    rows.map(() => head),
  )
  const erase = (): void => chainOf(it.db).write('2099', ({ add }) => add(entryKinds.erased, 1, Buffer.alloc(32)))
  it.db.transaction(erase).immediate()
  assert.deepEqual(read({ ...start, block: head + 1 }, wide).rows, [])
})

test('a cursor beyond the chain of a restored ledger goes back to its end', async () => {
  using it = await filled()
  const { next } = chainReader(it.db, everything).read({ ...start, block: 9_999, position: 3 }, wide)
  assert.deepEqual([next.block, next.position], [startNow(it.db).block, 0])
})

test('a date ends the reading', async () => {
  using it = await filled()
  assert.deepEqual(chainReader(it.db, { ...everything, until: '2020-01-01' }).read(start, wide).rows, [])
})

test('a long chain without rows for the reader is read in bounded parts', async () => {
  using it = await filled()
  const fill = (): void => {
    for (let i = 0; i < 9_000; i++) chainOf(it.db).write('2098', ({ add }) => add(entryKinds.open, 1, Buffer.alloc(32)))
  }
  it.db.transaction(fill).immediate()
  const { read } = chainReader(it.db, { ...everything, include: ['events'] })
  let [at, reads] = [read(start, wide), 1]
  for (; at.more; reads += 1) at = read(at.next, wide)
  assert.deepEqual([reads > 2, at.next.block], [true, startNow(it.db).block])
})
