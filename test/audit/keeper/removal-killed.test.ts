import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { erase } from '../../../src/audit/keeper/erase.ts'
import { sweepOrphans } from '../../../src/audit/keeper/orphans.ts'
import { purge } from '../../../src/audit/keeper/purge.ts'
import { startRecorder } from '../../../src/audit/recorder.ts'
import { spillName } from '../../../src/audit/bodies/spill-file.ts'
import { doneRow, openRow } from '../../support/ledger-rows.ts'
import { addBlock, ledgerIn, verifiedLedger } from '../../support/old-ledger.ts'
import { tempFolder } from '../../support/temp.ts'

const child = fileURLToPath(new URL('../../support/removal-child.ts', import.meta.url))
const { signal } = new AbortController()
const DAY = 86_400_000

/** Runs the child and kills it after a while. */
async function killed(dir: string, args: readonly string[], ms: number): Promise<void> {
  const running = spawn(process.execPath, [child, dir, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  // It may be done before it is killed.
  const ended = once(running, 'exit')
  await Promise.race([once(running.stdout, 'data'), ended])
  await setTimeout(ms)
  running.kill('SIGKILL')
  await ended
}

async function assertVerifies(dir: string): Promise<void> {
  const { ok, faults } = await verifiedLedger(dir)
  assert.ok(ok, JSON.stringify(faults[0]))
}

/** A ledger with something to remove, and one that writes to it. */
function filled(dir: string) {
  const db = ledgerIn(dir)
  const ids: string[] = []
  for (let i = 40; i > 0; i -= 1)
    ids.push(...addBlock(db, dir, { at: Date.now() - (10 + i) * DAY, exchanges: 10, inline: 3_000, spill: 200 }))
  db.close()
  const recorder = startRecorder({ dir, durability: 'crash', inlineBytes: 65_536 })
  const ended = new AbortController()
  async function write(): Promise<void> {
    while (!ended.signal.aborted) {
      const row = openRow({ principal: 'ben' })
      await recorder.open(row)
      recorder.done(doneRow(row.id, { requestBody: null, responseBody: null }))
      await setTimeout(1)
    }
  }
  const traffic = write()
  async function end(): Promise<void> {
    ended.abort()
    await traffic
    await recorder.close()
  }
  return { ids, end }
}

test('killed in the middle of retention the ledger verifies, and what was left is done the next time', async () => {
  const dir = tempFolder('killed')
  const { ids, end } = filled(dir)
  for (const ms of [10, 25, 45, 70]) {
    await killed(dir, ['purge', '40'], ms)
    await assertVerifies(dir)
  }
  const db = ledgerIn(dir)
  await purge(db, { dir, now: Date.now, who: 'test', reason: 'demand', through: 40, sinks: [] }, signal)
  // A kill between rows and files leaves files: the sweep finds them when they are not young any more.
  await sweepOrphans({ db, dir, now: Date.now() + 2 * DAY }, signal)
  assert.equal(db.prepare(`SELECT count(*) FROM exchanges WHERE principal = 'ada'`).pluck().get(), 0)
  db.close()
  assert.deepEqual(
    ids.filter((id) => existsSync(join(dir, spillName(id, 'response')))),
    [],
  )
  await end()
  await assertVerifies(dir)
})

test('killed in the middle of an erasure the ledger verifies, and the next one does the rest', async () => {
  const dir = tempFolder('killed')
  const { ids, end } = filled(dir)
  for (const ms of [10, 25, 45, 70]) {
    await killed(dir, ['erase', 'ada'], ms)
    await assertVerifies(dir)
  }
  const db = ledgerIn(dir)
  const target = { kind: 'principal', principal: 'ada', before: undefined } as const
  await erase(db, { dir, target, now: Date.now, who: 'test' }, signal)
  await sweepOrphans({ db, dir, now: Date.now() + 2 * DAY }, signal)
  const count = db.prepare<[], number>(`SELECT count(*) FROM exchanges WHERE principal = 'ada' AND erased IS NOT NULL`)
  assert.equal(count.pluck().get(), ids.length)
  db.close()
  assert.deepEqual(
    ids.filter((id) => existsSync(join(dir, spillName(id, 'response')))),
    [],
  )
  await end()
  await assertVerifies(dir)
})
