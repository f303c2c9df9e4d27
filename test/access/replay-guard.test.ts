import assert from 'node:assert/strict'
import Database from 'better-sqlite3'
import { execFile, fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { promisify } from 'node:util'
import { replayGuard } from '../../src/access/replay-guard.ts'
import type { Boot, Spending, Spent } from '../../src/access/spent-tokens.ts'
import { spentPath } from '../../src/access/spent-tokens.ts'
import { whyNoMounts, withDisk } from '../support/small-disk.ts'
import { tempFolder } from '../support/temp.ts'

const start = 1_800_000_000_000
const boot: Boot = { id: '11111111-0000-4000-8000-000000000000', uptime: () => 1_000_000 }
const token = (jti: string | number, changes: Partial<Spending> = {}): Spending => ({
  device: 'laptop-7',
  jti: String(jti),
  from: start - 30_000,
  until: start + 90_000,
  ...changes,
})

function guards(t: TestContext, dir: string, count = 1, options: { now?: () => number; maxRows?: number } = {}) {
  return Array.from({ length: count }, () => {
    const guard = replayGuard({ dir, now: () => start, boot, ...options })
    t.after(() => guard.close())
    return guard
  })
}

test('of all who show a token at once, in one process, one is first', async (t) => {
  const some = guards(t, tempFolder('replay'), 3)
  const asked = Array.from({ length: 600 }, (_, i) => some[i % 3]!.spend(token(i % 50)))
  const spent = await Promise.all(asked)
  assert.equal(spent.filter((each) => each === 'new').length, 50)
  assert.equal(spent.filter((each) => each === 'replayed').length, 550)
})

test('of all processes that show a token at once, one is first', async (t) => {
  const dir = tempFolder('replay')
  const children = Array.from({ length: 4 }, () => child(t, dir, 0, 400, 25))
  const told = (await Promise.all(children.map(ended))).flat()
  const firsts = told.filter(([, spent]) => spent === 'new').map(([n]) => n)
  assert.equal(told.length, 1_600)
  assert.ok(told.every(([, spent]) => spent !== 'unavailable'))
  assert.deepEqual(
    firsts.toSorted((a, b) => a - b),
    Array.from({ length: 400 }, (_, i) => i),
  )
})

test('what was spent stays so for those who come after a kill -9', async (t) => {
  const dir = tempFolder('replay')
  const killed: Told = []
  const victims = [0, 100_000].map((first) => child(t, dir, first, 50_000, 5))
  const gone = victims.map((victim) => once(victim, 'exit'))
  for (const victim of victims) {
    victim.on('message', (message) => {
      killed.push(...(message as Told))
      if (killed.length > 500) for (const each of victims) each.kill('SIGKILL')
    })
  }
  await Promise.all(gone)
  assert.ok(killed.length > 500 && killed.every(([, spent]) => spent === 'new'))
  const after = replayGuard({ dir, now: () => Date.now() })
  t.after(() => after.close())
  const life = { from: Date.now() - 30_000, until: Date.now() + 3_600_000 }
  const again = await Promise.all(killed.map(([n]) => after.spend({ device: 'laptop-7', jti: String(n), ...life })))
  assert.deepEqual(new Set(again), new Set(['replayed']))
  assert.equal(await after.spend({ device: 'laptop-7', jti: 'fresh', ...life }), 'new')
})

test('it goes on where another one has been closed', async (t) => {
  const dir = tempFolder('replay')
  const [first] = guards(t, dir)
  assert.equal(await first!.spend(token('a')), 'new')
  first!.close()
  assert.equal(await first!.spend(token('b')), 'unavailable')
  const [second] = guards(t, dir)
  assert.deepEqual(await Promise.all([second!.spend(token('a')), second!.spend(token('b'))]), ['replayed', 'new'])
})

test('what waits when it is closed is told that it cannot be known', async (t) => {
  const [guard] = guards(t, tempFolder('replay'))
  const asked = guard!.spend(token('a'))
  guard!.close()
  assert.equal(await asked, 'unavailable')
})

test('when it is full it refuses, and takes new ones as old ones run out', async (t) => {
  let now = start
  const [guard] = guards(t, tempFolder('replay'), 1, { now: () => now, maxRows: 10 })
  const outcomes = (from: number): Promise<Spent[]> =>
    Promise.all(Array.from({ length: 12 }, (_, i) => guard!.spend(token(from + i, { until: now + 90_000 }))))
  const full = [...Array.from({ length: 10 }, () => 'new'), 'unavailable', 'unavailable']
  assert.deepEqual(await outcomes(0), full)
  assert.equal(await guard!.spend(token(0)), 'replayed')
  now += 90_000
  assert.deepEqual(await outcomes(100), full)
})

test('too many at once are refused, not kept', async (t) => {
  const [guard] = guards(t, tempFolder('replay'))
  const asked = Array.from({ length: 10_050 }, (_, i) => guard!.spend(token(i)))
  const spent = await Promise.all(asked)
  assert.deepEqual(
    [spent.filter((each) => each === 'new').length, spent.filter((each) => each === 'unavailable').length],
    [10_000, 50],
  )
})

test('who finds the database locked waits without blocking anybody', async (t) => {
  const dir = tempFolder('replay')
  const [guard] = guards(t, dir)
  const db = new Database(spentPath(dir, boot))
  t.after(() => db.close())
  db.exec('BEGIN IMMEDIATE')
  let settled = false
  const asked = guard!.spend(token('a')).finally(() => (settled = true))
  // The loop goes round many times while it waits.
  for (let turns = 0; turns < 50; turns++) await new Promise((resolve) => setTimeout(resolve, 1))
  assert.equal(settled, false)
  db.exec('ROLLBACK')
  assert.equal(await asked, 'new')
})

test('a file that is not a database is never taken for an empty one; once it is gone, what could have been in it is replayed', async (t) => {
  const dir = tempFolder('replay')
  let now = start
  const path = spentPath(dir, boot)
  writeFileSync(path, Buffer.alloc(8_192, 'x'))
  const [guard] = guards(t, dir, 1, { now: () => now })
  assert.equal(await guard!.spend(token('a')), 'unavailable')
  rmSync(path)
  now += 1_000
  assert.equal(await guard!.spend(token('a')), 'new')
  for (const name of readdirSync(dir)) rmSync(join(dir, name))
  assert.deepEqual(
    await Promise.all([guard!.spend(token('a')), guard!.spend(token('b')), guard!.spend(token('c', { from: now }))]),
    ['replayed', 'replayed', 'new'],
  )
})

test('a folder that cannot be written makes tokens unavailable, and works once it can', async (t) => {
  const dir = join(tempFolder('replay'), 'data')
  writeFileSync(dir, 'a file in the place of the folder')
  let now = start
  const [guard] = guards(t, dir, 1, { now: () => now })
  assert.equal(await guard!.spend(token('a')), 'unavailable')
  rmSync(dir)
  // It is not tried at each token: there may be thousands a second.
  assert.equal(await guard!.spend(token('a')), 'unavailable')
  now += 1_000
  assert.equal(await guard!.spend(token('a')), 'new')
})

test(
  'on a full disk tokens are unavailable, and none that was new is so again',
  { skip: whyNoMounts() ?? false },
  async () => {
    const dir = join(tempFolder('replay'), 'disk')
    const [program = '', ...disk] = withDisk(dir, 'size=1m')
    const script = new URL('../support/replay-full-child.ts', import.meta.url).pathname
    const { stdout } = await promisify(execFile)(program, [...disk, process.execPath, script, dir])
    const { during, ...others } = JSON.parse(stdout) as Record<string, string[]>
    assert.ok(during?.includes('unavailable') && !during.includes('replayed'), String(during))
    const { repeated, ...rest } = others
    assert.ok(repeated?.every((spent) => spent === 'replayed'))
    assert.deepEqual(rest, { before: ['new'], again: ['replayed'], after: ['new'] })
  },
)

test('with nothing said it knows this machine', async (t) => {
  const guard = replayGuard({ dir: tempFolder('replay'), now: () => Date.now() })
  t.after(() => guard.close())
  const life = { from: Date.now(), until: Date.now() + 60_000 }
  assert.equal(await guard.spend({ device: 'a', jti: 'b', ...life }), 'new')
  assert.equal(await guard.spend({ device: 'a', jti: 'b', ...life }), 'replayed')
})

type Told = [number, Spent][]

function child(t: TestContext, dir: string, first: number, count: number, atOnce: number): ChildProcess {
  const args = [dir, first, count, atOnce].map(String)
  const started = fork(new URL('../support/replay-child.ts', import.meta.url), args, { execArgv: [] })
  t.after(() => started.kill('SIGKILL'))
  return started
}

async function ended(started: ChildProcess): Promise<Told> {
  const told: Told = []
  started.on('message', (message) => told.push(...(message as Told)))
  const [code] = (await once(started, 'exit')) as [number | null]
  assert.equal(code, 0)
  return told
}
