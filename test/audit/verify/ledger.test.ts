import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
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
import { digestOf, linkOf } from '../../../src/store/chain.ts'
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

test('a sealed body that names another key than its row was altered, also for who has no key', async () => {
  const dir = tempFolder('sealed')
  const recorder = startRecorder({ dir, durability: 'crash', inlineBytes: 64, key: { id: 'k1', key: randomBytes(32) } })
  const row = openRow()
  recorder.once(row, doneRow(row.id))
  await recorder.close()
  tamper(dir, (db) => {
    const text = db.prepare<[], string>('SELECT request_body FROM exchanges').pluck().get()!
    const other = Buffer.from(text, 'base64')
    other.write('k2', 5)
    db.prepare('UPDATE exchanges SET request_body = ?').run(other.toString('base64'))
  })
  assert.equal(await outcomeOf(dir), 'altered: the request body does not fit its SHA-256')
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

/** Changes rows of a table as who writes the file itself can: SQLite looks at no types. */
function loosened(db: Store, table: string, sql: string): void {
  const schema = (from: string, to: string): void => {
    db.unsafeMode(true)
    db.pragma('writable_schema = ON')
    db.prepare('UPDATE sqlite_schema SET sql = replace(sql, ?, ?) WHERE name = ?').run(from, to, table)
    db.pragma('writable_schema = RESET')
  }
  const typed = db.prepare<[string], string>('SELECT sql FROM sqlite_schema WHERE name = ?').pluck().get(table)!
  const untyped = typed
    .replaceAll(/ (?:TEXT|BLOB|INTEGER|REAL)(?: NOT NULL)?(?: DEFAULT 0)?(?=,|\n)/g, '')
    .replace(/STRICT$/, '')
  schema(typed, untyped)
  db.exec(sql)
  schema(untyped, typed)
}

async function outcomeOf(dir: string, options = {}): Promise<string> {
  try {
    const found = await verified(dir, options)
    return found.ok ? 'nothing' : `${found.faults[0]!.what}: ${found.faults[0]!.detail}`
  } catch (cause) {
    if (!(cause instanceof SallyportError || cause instanceof Database.SqliteError)) throw cause
    return `${cause.code}: ${cause.message}`
  }
}

test('values of types that SQLite would not have written are found, and are no crash', async () => {
  const values = [`'x'`, 'NULL', '-1.5', '9e999', `x'00ff'`, '9223372036854775807']
  const columns = {
    chain: ['at', 'entries', 'link'],
    checkpoints: ['at', 'block', 'statement', 'signature'],
    exchanges: ['host', 'port', 'block', 'request_sha256', 'request_spill', 'response_body'],
    events: ['after'],
  }
  for (const [table, names] of Object.entries(columns)) {
    const key = { chain: 'n', checkpoints: 'number' }[table] ?? 'seq'
    for (const column of names) {
      const dir = copyOf(ledger)
      for (const value of values) {
        const where = `WHERE ${key} = (SELECT max(${key}) FROM ${table} WHERE ${column} IS NOT NULL)`
        tamper(dir, (db) => loosened(db, table, `UPDATE ${table} SET ${column} = ${value} ${where}`))
        assert.notEqual(await outcomeOf(dir), 'nothing', `${table}.${column} ${value}`)
      }
      rmSync(dir, { recursive: true })
    }
  }
})

test('values that are larger than any that was written are found, and fill no memory', async () => {
  const values = {
    'chain.entries': `zeroblob(20000000)`,
    'chain.at': `printf('%.*c', 1000000, 'x')`,
    'checkpoints.statement': `printf('%.*c', 1000000, 'x')`,
    'events.after': `printf('%.*c', 300000000, 'x')`,
    'exchanges.host': `zeroblob(50000000)`,
  }
  for (const [place, value] of Object.entries(values)) {
    const dir = copyOf(ledger)
    const [table = '', column = ''] = place.split('.')
    tamper(dir, (db) => loosened(db, table, `UPDATE ${table} SET ${column} = ${value} WHERE rowid = 2`))
    assert.match(
      await outcomeOf(dir),
      /^(?:altered: its content|ledger_corrupt: the ledger was altered: row 2 of)/,
      place,
    )
    rmSync(dir, { recursive: true })
  }
})

test('an index by which a row is not found is damage', async () => {
  const dir = copyOf(ledger)
  tamper(dir, (db) => {
    db.unsafeMode(true)
    db.pragma('writable_schema = ON')
    const swap = db.prepare('UPDATE sqlite_schema SET rootpage = ? WHERE name = ?')
    const page = (name: string) => db.prepare('SELECT rootpage FROM sqlite_schema WHERE name = ?').pluck().get(name)
    const [one, other] = [page('events_at'), page('connections_at')]
    swap.run(other, 'events_at')
    swap.run(one, 'connections_at')
  })
  assert.match(await outcomeOf(dir), /^damaged: .*events_at/)
})

test('text of bytes that only look like those that were written is found', async () => {
  const dir = copyOf(ledger)
  tamper(dir, (db) => loosened(db, 'chain', 'UPDATE chain SET at = CAST(at AS BLOB) WHERE n = 3'))
  assert.match(await outcomeOf(dir), /^ledger_corrupt: the ledger was altered: row 3 of chain/)
})

test('verification of a database that was cut comes to an end, and finds it', async () => {
  const dir = copyOf(ledger)
  tamper(dir, (db) => db.pragma('wal_checkpoint(TRUNCATE)'))
  const path = databasePath(dir)
  const whole = readFileSync(path)
  for (let cut = 250; cut <= 16_000; cut += 250) {
    writeFileSync(path, whole.subarray(0, whole.length - cut))
    assert.notEqual(await outcomeOf(dir), 'nothing', String(cut))
  }
})

test('an infinite number in the place of none is found', async () => {
  const dir = copyOf(ledger)
  tamper(dir, (db) => db.exec('UPDATE exchanges SET cost_usd = 9e999 WHERE cost_usd IS NULL'))
  assert.match(await outcomeOf(dir), /^altered: its content is not what was written/)
})

test('a forged row is not hidden by a forged block before the first', async () => {
  const dir = copyOf(ledger)
  tamper(dir, (db) => {
    db.exec(
      `INSERT INTO events (seq, id, at, who, what, block) VALUES (900, 'forged', '2026', 'ada', 'key.create', -5)`,
    )
    const entries = Buffer.concat([
      Buffer.from('040000000000000384', 'hex'),
      digestOf('events', ['forged', '2026', 'ada', 'key.create', null, null, null]),
    ])
    db.prepare('INSERT INTO chain VALUES (-5, ?, ?, ?)').run('2026', entries, Buffer.alloc(32))
  })
  assert.match(await outcomeOf(dir), /^ledger_corrupt: the ledger was altered: row -5 of chain/)
})

test('forged blocks in the place of those that retention removed are found', async () => {
  const dir = copyOf(ledger)
  retained(dir, 20)
  tamper(dir, (db) => {
    const statement = db.prepare<[], string>('SELECT statement FROM checkpoints').pluck().get()!
    const identity = Buffer.from(String((JSON.parse(statement) as { ledger: string }).ledger), 'hex')
    const add = db.prepare('INSERT INTO chain VALUES (?, ?, ?, ?)')
    add.run(0, '2026', Buffer.alloc(0), identity)
    db.exec(`INSERT INTO events (seq, id, at, who, what, block) VALUES (900, 'forged', '2026', 'ada', 'key.create', 1)`)
    const entries = Buffer.concat([
      Buffer.from('040000000000000384', 'hex'),
      digestOf('events', ['forged', '2026', 'ada', 'key.create', null, null, null]),
    ])
    add.run(1, '2026', entries, linkOf(identity, { n: 1, at: '2026', entries }))
  })
  assert.match(await outcomeOf(dir), /^chain altered: blocks 2 to 20 are missing/)
})

test('a ledger that was emptied is none; an empty one has no checkpoint by a key that is named', async () => {
  const dir = copyOf(ledger)
  const rest = ['exchanges', 'connections', 'events', 'checkpoints']
  tamper(dir, (db) => rest.forEach((table) => db.exec(`DELETE FROM ${table}`)))
  tamper(dir, (db) => db.exec('DELETE FROM chain WHERE n > 0'))
  assert.equal(await outcomeOf(dir), 'nothing')
  assert.match(await outcomeOf(dir, { signed: true }), /^removed: no checkpoint by the key that was named/)
  tamper(dir, (db) => db.exec('DELETE FROM chain'))
  assert.match(await outcomeOf(dir), /^removed: there is not one block/)
})

test('a database with a view in the place of a table is refused before it is read', async () => {
  const dir = copyOf(ledger)
  const endless = 'WITH RECURSIVE c (i) AS (SELECT 1 UNION ALL SELECT i FROM c) SELECT count(*) FROM c'
  tamper(dir, (db) => db.exec(`ALTER TABLE events RENAME TO x; CREATE VIEW events AS SELECT x.* FROM x, (${endless})`))
  assert.match(await outcomeOf(dir), /^ledger_corrupt: the ledger .* was altered: the /)
})
