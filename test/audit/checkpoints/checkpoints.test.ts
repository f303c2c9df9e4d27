import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { lastCheckpoint, makeCheckpoint, removedSoFar } from '../../../src/audit/checkpoints/checkpoints.ts'
import { knownKeys } from '../../../src/audit/checkpoints/ledger-key.ts'
import { isSigned, sha256Hex, type Statement } from '../../../src/audit/verify/statement.ts'
import { newEventId } from '../../../src/core/ids.ts'
import { insertEvent } from '../../../src/store/events.ts'
import { openStore, type Store } from '../../../src/store/open.ts'
import { tempFolder } from '../../support/temp.ts'

const NOW = Date.parse('2026-11-21T03:00:00.000Z')

function opened(): { dir: string; db: Store; write: () => void } {
  const dir = tempFolder('checkpoints')
  const db = openStore({ dir, durability: 'crash' })
  const write = (): void => {
    const id = newEventId(Date.now())
    const event = {
      id,
      at: new Date(NOW).toISOString(),
      who: 'ada',
      what: 'policy.reload' as const,
      before: null,
      after: null,
    }
    db.transaction(() => insertEvent(db, event)).immediate()
  }
  return { dir, db, write }
}

const said = (line: { statement: string } | undefined): Statement => JSON.parse(line?.statement ?? 'null') as Statement

test('a checkpoint states the chain as it stands, signed, and follows the one before', () => {
  const { dir, db, write } = opened()
  write()
  const first = makeCheckpoint(db, { dir, reason: 'interval', now: NOW })!
  write()
  write()
  const second = makeCheckpoint(db, { dir, reason: 'demand', now: NOW + 1_000 })!
  const head = db.prepare<[], { n: number; link: Buffer }>('SELECT n, link FROM chain ORDER BY n DESC LIMIT 1').get()!
  const identity = db.prepare<[], Buffer>('SELECT link FROM chain WHERE n = 0').pluck().get()!
  const [key] = knownKeys(dir)
  assert.deepEqual(said(second), {
    sallyport: 'checkpoint',
    version: 1,
    ledger: identity.toString('hex'),
    number: 2,
    at: '2026-11-21T03:00:01.000Z',
    reason: 'demand',
    block: head.n,
    link: head.link.toString('hex'),
    // The event of the key is one.
    entries: 4,
    previous: sha256Hex(first.statement),
    removed: null,
    key,
  })
  assert.equal(said(first).previous, null)
  assert.ok(isSigned(first, key!) && isSigned(second, key!))
  assert.deepEqual(lastCheckpoint(db), second)
  db.close()
})

test('the key is made with the first checkpoint, with an event that the checkpoint covers', () => {
  const { dir, db, write } = opened()
  write()
  const made = makeCheckpoint(db, { dir, reason: 'interval', now: NOW })!
  const events = db.prepare<[], { what: string; after: string; block: number }>('SELECT * FROM events').all()
  assert.deepEqual(
    events.map(({ what }) => what),
    ['policy.reload', 'ledger.key.create'],
  )
  assert.equal(events[1]?.block, made.block)
  assert.match(events[1]?.after ?? '', /sha256:[0-9a-f]{64}/)
  db.close()
})

test('a checkpoint of retention says what was removed, and is made in the transaction of its caller', () => {
  const { dir, db, write } = opened()
  assert.equal(removedSoFar(db), null)
  for (let i = 0; i < 3; i += 1) write()
  const link = db.prepare<[], Buffer>('SELECT link FROM chain WHERE n = 2').pluck().get()!.toString('hex')
  const removed = { toBlock: 2, link, entries: 2, exchanges: 0, connections: 0, events: 2, from: null, to: null }
  assert.throws(() =>
    db.transaction(() => {
      makeCheckpoint(db, { dir, reason: 'retention', now: NOW, removed })
      throw new Error('undone')
    })(),
  )
  assert.equal(lastCheckpoint(db), undefined)
  const made = makeCheckpoint(db, { dir, reason: 'retention', now: NOW, removed })
  assert.deepEqual(removedSoFar(db), removed)
  assert.equal(said(made).entries, 3)
  db.close()
})

test('several processes that sign at once make one key, and one row of checkpoints', async () => {
  const { dir, db, write } = opened()
  write()
  const script = `
    import { openStore } from '${new URL('../../../src/store/open.ts', import.meta.url).href}'
    import { makeCheckpoint } from '${new URL('../../../src/audit/checkpoints/checkpoints.ts', import.meta.url).href}'
    const db = openStore({ dir: ${JSON.stringify(dir)}, durability: 'crash' })
    for (let i = 0; i < 10; i += 1) makeCheckpoint(db, { dir: ${JSON.stringify(dir)}, reason: 'demand', now: Date.now() })
    db.close()`
  const children = [1, 2, 3].map(() =>
    spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'inherit' }),
  )
  const codes = await Promise.all(children.map((child) => once(child, 'exit').then(([code]) => code as number)))
  assert.deepEqual(codes, [0, 0, 0])
  assert.equal(knownKeys(dir).length, 1)
  const lines = db.prepare<[], { statement: string }>('SELECT statement FROM checkpoints ORDER BY number').all()
  assert.equal(lines.length, 30)
  for (const [i, line] of lines.entries())
    assert.equal(said(line).previous, i === 0 ? null : sha256Hex(lines[i - 1]!.statement))
  db.close()
})
