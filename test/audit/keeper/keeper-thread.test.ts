import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import type { KeeperSettings } from '../../../src/audit/keeper/chores.ts'
import type { FromKeeper, ToKeeper } from '../../../src/audit/keeper/keeper-thread.ts'
import { databasePath } from '../../../src/store/open.ts'
import { addBlock, ledgerIn } from '../../support/old-ledger.ts'
import { tempFolder } from '../../support/temp.ts'

const program = new URL('../../../src/audit/keeper/keeper-thread.ts', import.meta.url)
const DAY = 86_400_000

const settingsFor = (dir: string, days = 90): KeeperSettings => ({
  dir,
  durability: 'crash',
  retention: { days, maxBytes: 10 ** 10 },
  checkpointSeconds: 3_600,
  search: false,
  sinks: [],
})

function start(dir: string) {
  const worker = new Worker(program, { workerData: settingsFor(dir), execArgv: [] })
  const told: FromKeeper[] = []
  worker.on('message', (message: FromKeeper) => told.push(message))
  const held = (): number[] =>
    told.flatMap((one) => (one.kind === 'figure' && one.name === 'ledger_keeper' ? [one.value] : []))
  const post = (message: ToKeeper): void => worker.postMessage(message)
  async function close(): Promise<void> {
    post({ kind: 'close', lastMs: 2_000 })
    await once(worker, 'exit')
  }
  return { told, held, post, close }
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await setTimeout(10)
}

test('when database or lease is no longer the file it was, it begins anew with what stands there', async () => {
  const dir = tempFolder('thread')
  const keeper = start(dir)
  const rounds = (): number => keeper.told.filter((one) => one.kind === 'figure' && one.name === 'ledger_bytes').length
  await until(() => rounds() > 0)
  for (const suffix of ['', '-wal', '-shm']) rmSync(databasePath(dir) + suffix, { force: true })
  const before = rounds()
  await until(() => keeper.held().length === 3 && rounds() > before)
  assert.ok(existsSync(databasePath(dir)))
  rmSync(join(dir, 'keeper.lock'))
  await until(() => keeper.held().length === 5)
  await keeper.close()
  assert.deepEqual(keeper.held(), [1, 0, 1, 0, 1, 0])
})

test('when the log of the database is removed, it begins anew and writes to the one that others see', async () => {
  const dir = tempFolder('thread')
  const keeper = start(dir)
  await until(() => keeper.told.some((one) => one.kind === 'figure' && one.name === 'ledger_bytes'))
  rmSync(`${databasePath(dir)}-wal`)
  await until(() => keeper.held().length === 3)
  await keeper.close()
})

test('told to end while it takes new settings, it makes the last round all the same', async () => {
  const dir = tempFolder('thread')
  const db = ledgerIn(dir)
  const keeper = start(dir)
  await until(() => keeper.told.some((one) => one.kind === 'figure' && one.name === 'ledger_bytes'))
  addBlock(db, dir, { at: Date.now() })
  keeper.post({ kind: 'settings', settings: settingsFor(dir, 30) })
  await keeper.close()
  const last = db.prepare('SELECT reason, block FROM checkpoints ORDER BY number DESC LIMIT 1').get()
  assert.deepEqual(last, { reason: 'shutdown', block: db.prepare('SELECT max(n) FROM chain').pluck().get() })
  db.close()
})

test('new settings are worked by at once', async () => {
  const dir = tempFolder('thread')
  const db = ledgerIn(dir)
  addBlock(db, dir, { at: Date.now() - 60 * DAY })
  addBlock(db, dir, { at: Date.now() })
  const keeper = start(dir)
  const rows = db.prepare<[], number>('SELECT count(*) FROM exchanges').pluck()
  await until(() => keeper.told.some((one) => one.kind === 'figure' && one.name === 'ledger_bytes'))
  assert.equal(rows.get(), 2)
  keeper.post({ kind: 'settings', settings: settingsFor(dir, 30) })
  await until(() => rows.get() === 1)
  await keeper.close()
  db.close()
})

test('when the process that keeps the ledger is killed, this one takes over; at the end it signs what came last', async () => {
  const dir = tempFolder('thread')
  const code = `
    const { Worker } = await import('node:worker_threads')
    const settings = ${JSON.stringify(settingsFor(dir))}
    const worker = new Worker(new URL(${JSON.stringify(program.href)}), { workerData: settings, execArgv: [] })
    worker.on('message', (one) => one.name === 'ledger_keeper' && process.stdout.write(String(one.value)))`
  const other = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'inherit'] })
  assert.equal(String((await once(other.stdout, 'data'))[0]), '1')
  const keeper = start(dir)
  await setTimeout(200)
  assert.deepEqual(keeper.held(), [])
  other.kill('SIGKILL')
  await until(() => keeper.held().length === 1)
  await until(() => keeper.told.some((one) => one.kind === 'figure' && one.name === 'ledger_bytes'))
  const db = ledgerIn(dir)
  addBlock(db, dir, { at: Date.now() })
  await keeper.close()
  const last = db.prepare('SELECT reason, block FROM checkpoints ORDER BY number DESC LIMIT 1').get()
  assert.deepEqual(last, { reason: 'shutdown', block: db.prepare('SELECT max(n) FROM chain').pluck().get() })
  db.close()
})
