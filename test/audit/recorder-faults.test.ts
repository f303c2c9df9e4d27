import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chmodSync, closeSync, mkdirSync, openSync, readFileSync, statSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import Database from 'better-sqlite3'
import { type Recorder, type RecorderNotice, startRecorder } from '../../src/audit/recorder.ts'
import type { Value } from '../../src/audit/rows.ts'
import { kinds, pushConnection, pushDone, pushOnce, pushOpen, writeStatements } from '../../src/audit/statements.ts'
import type { Batch, WriterData } from '../../src/audit/writer.ts'
import { SallyportError } from '../../src/core/errors.ts'
import { databasePath, openStore } from '../../src/store/open.ts'
import { assertCovered } from '../support/chained.ts'
import { connectionRow, doneRow, openRow } from '../support/ledger-rows.ts'
import { tempFolder } from '../support/temp.ts'

function start(dir: string, patienceMs = 5_000): { recorder: Recorder; notices: RecorderNotice[] } {
  const notices: RecorderNotice[] = []
  const notice = (one: RecorderNotice): unknown => notices.push(one)
  return { recorder: startRecorder({ dir, durability: 'crash', inlineBytes: 65_536, patienceMs, notice }), notices }
}

const unavailable = (thrown: unknown): boolean =>
  thrown instanceof SallyportError && thrown.code === 'ledger_unavailable'

test('a batch that is committed twice, for its report was lost, has its effect once', async () => {
  const dir = tempFolder('ledger')
  openStore({ dir, durability: 'crash' }).close()
  const path = databasePath(dir)
  const [finished, refused, left] = [openRow(), openRow(), openRow({ requestBody: 'x' })]
  const values: Value[] = []
  values.push(kinds.open)
  pushOpen(values, finished)
  values.push(kinds.done)
  pushDone(values, doneRow(finished.id, { error: 'once only' }))
  values.push(kinds.once)
  pushOnce(values, refused, doneRow(refused.id))
  values.push(kinds.open)
  pushOpen(values, left)
  values.push(kinds.connection)
  pushConnection(values, connectionRow())
  const batch: Batch = { last: 5, count: 5, bytes: 0, values, files: [] }
  const workerData: WriterData = { path, pragmas: [], statements: writeStatements(1), dir, sync: false }
  const snapshot = (): unknown => {
    const db = openStore({ dir, durability: 'crash' })
    assertCovered(db)
    // The block is that of the last time; nothing else differs.
    const rows = ['exchanges', 'connections'].map((table) =>
      db
        .prepare<[], Record<string, Value>>(`SELECT * FROM ${table} ORDER BY seq`)
        .all()
        .map((row) => ({ ...row, block: 0 })),
    )
    db.close()
    return rows
  }
  const seen: unknown[] = []
  for (let time = 0; time < 2; time += 1) {
    const writer = new Worker(new URL('../../src/audit/writer.ts', import.meta.url), { workerData, execArgv: [] })
    writer.postMessage(batch)
    writer.postMessage('close')
    await once(writer, 'exit')
    seen.push(snapshot())
  }
  assert.deepEqual(seen[1], seen[0])
})

function spoil(path: string, from: number, bytes: number): void {
  const file = openSync(path, 'r+')
  writeSync(file, randomBytes(bytes), 0, bytes, from)
  closeSync(file)
}

test('garbage in the log or its index while running is an outage or does no harm, never a row told as committed that is not', async () => {
  for (const suffix of ['-wal', '-shm']) {
    const dir = tempFolder('ledger')
    const { recorder } = start(dir, 500)
    // A disk may be slower than this one's patience.
    while (recorder.stats().rows < 20)
      await recorder.open(openRow({ requestBody: 'x'.repeat(3_000) })).catch(() => sleep(20))
    spoil(databasePath(dir) + suffix, 0, statSync(databasePath(dir) + suffix).size)
    const told: string[] = []
    for (let i = 0; i < 50; i += 1) {
      const row = openRow()
      const outcome = await recorder.open(row).then(
        () => told.push(row.id),
        (thrown: unknown) => thrown,
      )
      assert.ok(typeof outcome === 'number' || unavailable(outcome), String(outcome))
    }
    await recorder.close().catch((thrown: unknown) => assert.ok(unavailable(thrown)))
    // What the next start finds: a ledger with every row that was told, or it says that it is spoiled.
    try {
      start(dir)
        .recorder.close()
        .catch(() => {})
    } catch (thrown) {
      assert.ok(thrown instanceof SallyportError && thrown.code === 'ledger_corrupt', String(thrown))
      assert.match(thrown.hint, /aside/)
      continue
    }
    const db = new Database(databasePath(dir), { readonly: true })
    const ids = new Set(db.prepare('SELECT id FROM exchanges').pluck().all())
    db.close()
    assert.deepEqual(
      told.filter((id) => !ids.has(id)),
      [],
      suffix,
    )
  }
})

test('a file that is no database any more is named when the next one starts, and stays as it is', () => {
  const dir = tempFolder('ledger')
  mkdirSync(dir, { recursive: true })
  const garbage = randomBytes(10_000)
  writeFileSync(databasePath(dir), garbage)
  assert.throws(
    () => start(dir),
    (thrown) => {
      assert.ok(thrown instanceof SallyportError)
      assert.equal(thrown.code, 'ledger_corrupt')
      assert.match(thrown.hint, /aside/)
      return true
    },
  )
  assert.ok(readFileSync(databasePath(dir)).equals(garbage))
})

test('clocks that jump by hours and years change neither order nor chain, and the files lie by the day of the id', async () => {
  const dir = tempFolder('ledger')
  const { recorder } = start(dir)
  const now = Date.now()
  const hour = 3_600_000
  const times = [0, 9_000 * hour, -9_000 * hour, hour, -hour, 0].map((jump) => new Date(now + jump).toISOString())
  const rows = times.map((at) => openRow({ at, requestContent: Buffer.from(at) }))
  for (const row of rows) {
    await recorder.open({
      ...row,
      requestSpill: `bodies/${row.at.slice(0, 10).replaceAll('-', '/')}/${row.id}.request`,
    })
    recorder.done(doneRow(row.id))
  }
  await recorder.close()
  const db = openStore({ dir, durability: 'crash' })
  assertCovered(db)
  const stored = db
    .prepare<[], Record<string, string>>('SELECT id, at, state, request_spill FROM exchanges ORDER BY seq')
    .all()
  db.close()
  assert.deepEqual(
    stored.map(({ id }) => id),
    rows.map(({ id }) => id),
  )
  assert.deepEqual(
    stored.map(({ at }) => at),
    times,
  )
  for (const row of stored) assert.ok(statSync(join(dir, row['request_spill'] as string)).size > 0)
})

const childFile = fileURLToPath(new URL('../support/ledger-child.ts', import.meta.url))

/** Node as a user that the modes of files bind, and with few files to open. */
function bound(dir: string, limits: string): string[] | undefined {
  const script = ['sh', '-c', `${limits} exec "$@"`, 'sh']
  if (process.getuid?.() !== 0) return script
  // Root is not bound: nobody is.
  if (spawnSync('setpriv', ['--reuid=65534', '--clear-groups', process.execPath, '-e', '0']).status !== 0)
    return undefined
  if (dir.endsWith('data')) spawnSync('chown', ['-R', '65534', dir])
  return [...script, 'setpriv', '--reuid=65534', '--clear-groups']
}

async function runChild(dir: string, limits = ''): Promise<{ out: string; err: string } | undefined> {
  const by = bound(dir, limits)
  if (by === undefined) return undefined
  const [command, ...args] = [
    ...by,
    process.execPath,
    '--disable-warning=ExperimentalWarning',
    childFile,
    dir,
    '3',
    'finish',
  ]
  const child = spawn(command as string, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let [out, err] = ['', '']
  child.stdout.on('data', (chunk: Buffer) => (out += String(chunk)))
  child.stderr.on('data', (chunk: Buffer) => (err += String(chunk)))
  await once(child, 'close')
  return { out, err }
}

test(
  'a folder of somebody else is told with a code and a hint',
  { skip: process.getuid?.() !== 0 && 'it takes root to have one' },
  async (context) => {
    const dir = join(tempFolder('ledger'), 'other')
    openStore({ dir, durability: 'crash' }).close()
    for (const folder of [dir, join(dir, '..')]) chmodSync(folder, 0o755)
    chmodSync(databasePath(dir), 0o644)
    const ran = await runChild(dir)
    if (ran === undefined) return context.skip('no other user to be')
    assert.match(ran.err, /code: 'ledger_(?:corrupt|unavailable)'/)
    assert.match(ran.err, /hint: '[^']*(?:mode|disk)/)
  },
)

const modes: [what: string, spoil: (dir: string) => void][] = [
  ['a file that may not be written', (dir) => chmodSync(databasePath(dir), 0o400)],
  ['a file that may not be read', (dir) => chmodSync(databasePath(dir), 0o000)],
]
for (const [what, spoilMode] of modes) {
  test(`${what} is told with a code and a hint`, async (context) => {
    const dir = join(tempFolder('ledger'), 'data')
    openStore({ dir, durability: 'crash' }).close()
    chmodSync(join(dir, '..'), 0o755)
    spoilMode(dir)
    const ran = await runChild(dir)
    chmodSync(dir, 0o700)
    if (ran === undefined) return context.skip('no other user to be')
    assert.match(ran.err, /code: 'ledger_(?:corrupt|unavailable)'/)
    assert.match(ran.err, /hint: '[^']*(?:mode|disk)/)
  })
}

test('a mode that changes while running changes nothing for who has the file open', async () => {
  const dir = tempFolder('ledger')
  const { recorder } = start(dir)
  const rows = [openRow(), openRow()]
  await recorder.open(rows[0]!)
  chmodSync(databasePath(dir), 0o000)
  await recorder.open(rows[1]!)
  chmodSync(databasePath(dir), 0o600)
  await recorder.close()
  const db = openStore({ dir, durability: 'crash' })
  assert.equal(db.prepare('SELECT count(*) FROM exchanges').pluck().get(), 2)
  db.close()
})
