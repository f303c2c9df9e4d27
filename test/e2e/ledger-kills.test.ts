import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { zstdDecompressSync } from 'node:zlib'
import Database from 'better-sqlite3'
import { killOrigin, startLoad } from '../support/kill-load.ts'
import { startOrigin, type Origin } from '../support/origin.ts'
import { testAuthority } from '../support/authority.ts'
import { processesOf, runs } from '../support/program-processes.ts'
import { installSallyport, serve, type Installation, type Sallyport } from '../support/sallyport.ts'

// `LEDGER_KILLS=50` kills so many times in each case.
const rounds = Number(process.env['LEDGER_KILLS'] ?? 1)
const host = 'api.openai.com'
const ENOUGH = 12

type Victim = 'worker' | 'parent' | 'all'

const cases: { durability: 'crash' | 'power' | 'relaxed'; workers: 1 | 2; victims: Victim[] }[] = [
  { durability: 'crash', workers: 1, victims: ['all'] },
  { durability: 'crash', workers: 2, victims: ['worker', 'parent', 'all'] },
  { durability: 'power', workers: 1, victims: ['all'] },
  { durability: 'relaxed', workers: 1, victims: ['all'] },
]

suite('kill -9 under load', { skip: process.platform !== 'linux', concurrency: 2 }, () => {
  for (const one of cases) {
    const promise =
      one.durability === 'relaxed'
        ? 'no row stays open and the ledger is whole'
        : 'every request that the origin got has its row, none stays open, the files fit'
    test(`${one.durability}, ${one.workers} worker(s), of ${one.victims.join(', ')}: ${promise}`, () => killing(one))
  }
})

async function killing({ durability, workers, victims }: (typeof cases)[number]): Promise<void> {
  const authority = testAuthority()
  await using origin = await startOrigin(killOrigin, { authority, names: [host] })
  const installation = await installSallyport({
    authority,
    origins: { [`${host}:443`]: origin },
    policies: { 'a.yaml': { mode: 'enforce', intercept: [{ hosts: ['*'], action: 'inspect' }] } },
    config: { workers, audit: { durability }, shutdown: { graceMs: 500 } },
  })
  let running = await serve(installation)
  try {
    const load = startLoad(installation.proxyPort, { host, ca: installation.ca(), clients: 10 })
    for (const victim of Array.from({ length: rounds }, () => victims).flat()) {
      const before = load.answered()
      while (load.answered() < before + ENOUGH) await delay(5)
      await delay(Math.random() * 250)
      const ended = await kill(running, victim)
      if (victim === 'worker') continue
      await running.kill()
      running = await serve(installation)
      while (ended.some(runs)) await delay(10)
    }
    const before = load.answered()
    while (load.answered() < before + ENOUGH) await delay(5)
    await load.stop()
    await noneOpen(installation)
    if (durability !== 'relaxed') assertAllRecorded(installation, origin)
    assertFilesFit(installation)
    assert.equal(await running.stop(), 0)
    assert.equal(integrityOf(installation), 'ok')
    const verified = await installation.run(['audit', 'verify'])
    assert.equal(verified.status, 0, verified.stdout + verified.stderr)
  } finally {
    await running.kill()
  }
}

/** Kills, and gives the processes that were there. */
async function kill({ child }: Sallyport, victim: Victim): Promise<number[]> {
  const { parent, workers } = processesOf(child.pid as number)
  const chosen = {
    worker: workers.slice(0, 1),
    parent: [parent],
    all: [parent, ...workers],
  }[victim]
  for (const pid of chosen) process.kill(pid, 'SIGKILL')
  while (chosen.some(runs)) await delay(5)
  return [parent, ...workers]
}

async function noneOpen(installation: Installation): Promise<void> {
  await installation.rowsWhen('exchanges', (rows) => rows.every(({ state }) => state !== 'open'))
}

function assertAllRecorded(installation: Installation, origin: Origin): void {
  const rows = installation.rows('exchanges')
  const recorded = new Set(rows.map(({ path }) => path))
  const missing = origin.seen.map(({ url }) => url).filter((url) => !recorded.has(url))
  assert.ok(origin.seen.length > ENOUGH)
  assert.deepEqual(missing, [], `${missing.length} of ${origin.seen.length} requests have no row`)
  assert.ok(rows.every(({ state }) => ['done', 'aborted', 'lost'].includes(String(state))))
}

function assertFilesFit({ dir, rows }: Installation): void {
  let files = 0
  for (const row of rows('exchanges')) {
    for (const side of ['request', 'response']) {
      const spill = row[`${side}_spill`]
      if (typeof spill !== 'string') continue
      const path = join(dir, 'data', spill)
      assert.ok(existsSync(path), `${spill} of a row that is ${String(row['state'])}`)
      const content = zstdDecompressSync(readFileSync(path))
      assert.equal(createHash('sha256').update(content).digest('hex'), row[`${side}_sha256`], spill)
      files += 1
    }
  }
  assert.ok(files > 0)
}

function integrityOf({ dir }: Installation): unknown {
  const db = new Database(join(dir, 'data', 'sallyport.db'), { readonly: true })
  try {
    return db.pragma('integrity_check', { simple: true })
  } finally {
    db.close()
  }
}
