import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openLedger } from '../../../src/audit/find/ledger.ts'
import { startRecorder } from '../../../src/audit/recorder.ts'
import type { TailOptions } from '../../../src/audit/find/tail.ts'
import { connectionRow, doneRow, openRow } from '../../support/ledger-rows.ts'
import { tempFolder } from '../../support/temp.ts'

const options = (over: Partial<TailOptions> = {}): TailOptions => ({
  table: 'exchanges',
  filter: {},
  last: 10,
  follow: true,
  pollMs: 5,
  signal: new AbortController().signal,
  ...over,
})

test('the last come first, then each exchange as it ends', async () => {
  const dir = tempFolder('ledger')
  const recorder = startRecorder({ dir, durability: 'crash', inlineBytes: 1_000 })
  const [past, older, slow, quick] = [openRow(), openRow(), openRow(), openRow()]
  for (const row of [older, past]) recorder.once(row, doneRow(row.id))
  await recorder.open(slow)
  await recorder.flush()
  const ended = new AbortController()
  const ledger = openLedger(dir)
  const rows = ledger.tail(options({ last: 1, signal: ended.signal }))
  assert.equal((await rows.next()).value.id, past.id)
  const next = rows.next()
  await recorder.open(quick)
  recorder.done(doneRow(quick.id))
  assert.equal((await next).value.id, quick.id)
  recorder.done(doneRow(slow.id, { decision: 'block' }))
  const last = (await rows.next()).value
  assert.deepEqual([last.id, last.decision], [slow.id, 'block'])
  ended.abort()
  assert.equal((await rows.next()).done, true)
  ledger.close()
  await recorder.close()
})

test('a filter holds for what is there and for what comes', async () => {
  const dir = tempFolder('ledger')
  const recorder = startRecorder({ dir, durability: 'crash', inlineBytes: 1_000 })
  const blocked = [openRow(), openRow()] as const
  const write = async (row: (typeof blocked)[0]) => {
    const other = openRow()
    recorder.once(other, doneRow(other.id))
    recorder.once(row, doneRow(row.id, { decision: 'block' }))
    await recorder.flush()
  }
  await write(blocked[0])
  const ledger = openLedger(dir)
  const rows = ledger.tail(options({ filter: { decision: 'block' } }))
  assert.equal((await rows.next()).value.id, blocked[0].id)
  const next = rows.next()
  await write(blocked[1])
  assert.equal((await next).value.id, blocked[1].id)
  await rows.return(undefined)
  ledger.close()
  await recorder.close()
})

test('without following it ends, for any table', async () => {
  const dir = tempFolder('ledger')
  const recorder = startRecorder({ dir, durability: 'crash', inlineBytes: 1_000 })
  const connections = [connectionRow(), connectionRow(), connectionRow()]
  for (const row of connections) recorder.connection(row)
  await recorder.close()
  const ledger = openLedger(dir)
  const ids: unknown[] = []
  for await (const { id } of ledger.tail(options({ table: 'connections', last: 2, follow: false }))) ids.push(id)
  assert.deepEqual(
    ids,
    connections.slice(1).map(({ id }) => id),
  )
  ledger.close()
})
