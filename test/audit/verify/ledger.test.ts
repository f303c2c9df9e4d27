import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { copyFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { before, test } from 'node:test'
import Database from 'better-sqlite3'
import { checkpointText, makeCheckpoint } from '../../../src/audit/checkpoints/checkpoints.ts'
import { erase } from '../../../src/audit/keeper/erase.ts'
import { startRecorder } from '../../../src/audit/recorder.ts'
import { removeOldest } from '../../../src/audit/keeper/retention.ts'
import { verify } from '../../../src/audit/verify/core.ts'
import { ledgerSource } from '../../../src/audit/verify/ledger.ts'
import { checkpointLines } from '../../../src/audit/verify/statement.ts'
import { SallyportError } from '../../../src/core/errors.ts'
import { databasePath, openStore, type Store } from '../../../src/store/open.ts'
import { connectionRow, doneRow, openRow } from '../../support/ledger-rows.ts'
import { checkpoint, copyOf, tamper, verified, writtenLedger } from '../../support/tampered-ledger.ts'
import { tempFolder } from '../../support/temp.ts'

let ledger = ''
before(async () => {
  ledger = await writtenLedger()
})

function store<T>(dir: string, use: (db: Store) => T): T {
  const db = openStore({ dir, durability: 'crash' })
  try {
    return use(db)
  } finally {
    db.close()
  }
}

const retained = (dir: string, through: number): void =>
  store(dir, (db) => {
    while (removeOldest(db, { dir, through, entries: 7, now: Date.now() }) !== undefined);
  })

test('a ledger verifies after retention, however much is gone, and says what went', async () => {
  const head = tamper(ledger, (db) => db.prepare<[], number>('SELECT max(n) FROM chain').pluck().get()!)
  for (const through of [0, 1, 5, Math.floor(head / 2), head - 1]) {
    const dir = copyOf(ledger)
    retained(dir, through)
    const found = await verified(dir)
    assert.deepEqual(found.faults, [], `through ${through}`)
    assert.equal(found.removed?.toBlock, through)
    assert.ok(found.proof !== null)
  }
})

test('what is done to a ledger after retention is found', async () => {
  const dir = copyOf(ledger)
  retained(dir, 20)
  checkpoint(dir)
  const changes = [
    'DELETE FROM events WHERE seq = (SELECT max(seq) FROM events)',
    'UPDATE exchanges SET host = host || 1 WHERE seq = (SELECT max(seq) FROM exchanges)',
    'DELETE FROM chain WHERE n = (SELECT min(n) FROM chain)',
    'DELETE FROM chain WHERE n < 30',
    `DELETE FROM checkpoints WHERE reason = 'retention'`,
    `UPDATE checkpoints SET statement = replace(statement, '"events":', '"events":1'), signature = signature WHERE reason = 'retention'`,
  ]
  for (const sql of changes) {
    const copy = copyOf(dir)
    tamper(copy, (db) => db.exec(sql))
    const found = await verified(copy)
    assert.equal(found.ok, false, sql)
  }
})

test('a checkpoint that was kept from before retention does not speak against the ledger', async () => {
  const dir = copyOf(ledger)
  const kept = tamper(dir, (db) => db.prepare<[], never>('SELECT * FROM checkpoints').all())
  retained(dir, 30)
  assert.deepEqual((await verified(dir, { kept })).faults, [])
  assert.deepEqual((await verified(dir, { kept: checkpointLines(kept.map(checkpointText).join('')) })).faults, [])
})

test('a ledger verifies after content was erased; what was erased without a word does not', async () => {
  const dir = copyOf(ledger)
  const target = { kind: 'principal', principal: 'bob', before: undefined } as const
  const db = openStore({ dir, durability: 'crash' })
  const erased = await erase(db, { dir, target, now: Date.now, who: 'ada' }, new AbortController().signal)
  db.close()
  assert.ok(erased.exchanges > 0)
  const found = await verified(dir)
  assert.deepEqual(found.faults, [])
  assert.ok(found.content.erased >= erased.exchanges)
  tamper(dir, (open) => open.exec(`UPDATE exchanges SET erased = NULL WHERE erased IS NOT NULL`))
  assert.equal((await verified(dir)).faults[0]?.what, 'altered')
})

test('content that is sealed is checked with its key, and said not to be without', async () => {
  const dir = tempFolder('sealed')
  const key = { id: 'k1', key: randomBytes(32) }
  const recorder = startRecorder({ dir, durability: 'crash', inlineBytes: 64, key })
  const row = openRow()
  recorder.once(row, doneRow(row.id))
  await recorder.close()
  const options = { keys: [] }
  for (const [keys, kind] of [
    [[key], 'checked'],
    [[], 'sealed'],
  ] as const) {
    const source = ledgerSource({ database: databasePath(dir), dir, keys })
    const found = await verify(source, options)
    source.close()
    assert.deepEqual(found.faults, [])
    assert.equal(found.content[kind], 2)
  }
})

test('a copy of the database alone verifies without its files', async () => {
  const dir = tempFolder('alone')
  copyFileSync(databasePath(ledger), join(dir, 'sallyport.db'))
  const source = ledgerSource({ database: join(dir, 'sallyport.db'), dir: undefined, keys: [] })
  const found = await verify(source, { keys: [] })
  source.close()
  assert.deepEqual(found.faults, [])
  assert.ok(found.content.skipped > 10)
  assert.equal(found.proof?.number, 3)
})

test('a ledger is verified as it was at one moment while others write, sign and remove', async () => {
  const dir = copyOf(ledger)
  const recorder = startRecorder({ dir, durability: 'crash', inlineBytes: 64 })
  const ended = new AbortController()
  const writer = (async () => {
    for (let i = 0; !ended.signal.aborted; i += 1) {
      const row = openRow()
      await recorder.open(row)
      recorder.done(doneRow(row.id))
      recorder.connection(connectionRow())
      if (i % 20 === 0) store(dir, (db) => makeCheckpoint(db, { dir, reason: 'interval', now: Date.now() }))
      if (i % 30 === 0) store(dir, (db) => removeOldest(db, { dir, through: 1 + i, entries: 10, now: Date.now() }))
    }
  })()
  for (let i = 0; i < 15; i += 1) {
    const found = await verified(dir)
    assert.deepEqual(found.faults, [])
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  ended.abort()
  await writer
  await recorder.close()
  assert.deepEqual((await verified(dir)).faults, [])
})

test('rows that were cut off at the end leave a hint in the numbers that SQLite gave out', () => {
  const dir = copyOf(ledger)
  tamper(dir, (db) => db.exec('DELETE FROM connections WHERE seq = (SELECT max(seq) FROM connections)'))
  const source = ledgerSource({ database: databasePath(dir), dir, keys: [] })
  assert.equal(source.beyond().connections, 1)
  source.close()
})

test('what is no ledger, or has no chain yet, is an error', () => {
  const dir = tempFolder('none')
  const source = (): unknown => ledgerSource({ database: databasePath(dir), dir, keys: [] })
  const coded = (code: string) => (thrown: unknown) => thrown instanceof SallyportError && thrown.code === code
  assert.throws(source, coded('ledger_unavailable'))
  new Database(databasePath(dir)).exec('CREATE TABLE exchanges (id)').close()
  assert.throws(source, coded('ledger_corrupt'))
  rmSync(databasePath(dir))
})
