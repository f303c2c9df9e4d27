import assert from 'node:assert/strict'
import { statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { databasePath } from '../../src/store/open.ts'
import { commandLine } from '../support/command-line.ts'
import { addBlock, ledgerIn, verifiedLedger } from '../support/old-ledger.ts'
import { tempFolder } from '../support/temp.ts'

const DAY = 86_400_000

function filled(): { cwd: string; dir: string } {
  const cwd = tempFolder('purge')
  const dir = join(cwd, 'data')
  const db = ledgerIn(dir)
  const now = Date.now()
  for (const days of [60, 50, 40, 20, 1])
    addBlock(db, dir, { at: now - days * DAY, exchanges: 4, connections: 1, inline: 40_000, spill: 100 })
  db.close()
  return { cwd, dir }
}

function counted(dir: string, sql: string): unknown {
  const db = ledgerIn(dir)
  try {
    return db.prepare(sql).pluck().get()
  } finally {
    db.close()
  }
}

test('a dry run says what would go and removes nothing', async () => {
  const { cwd, dir } = filled()
  const shown = await commandLine(['audit', 'purge', '--before', '30d', '--dry-run'], { cwd })
  assert.deepEqual(shown, { status: 0, stdout: 'would remove 12 exchanges, 3 connections, 0 events\n', stderr: '' })
  const { stdout } = await commandLine(['audit', 'purge', '--before', '30d', '--dry-run', '--json'], { cwd })
  assert.deepEqual(JSON.parse(stdout), { exchanges: 12, connections: 3, events: 0 })
  assert.equal(counted(dir, 'SELECT count(*) FROM exchanges'), 20)
})

test('what is older goes, an event says who did it, the rest verifies, and the file becomes smaller', async () => {
  const { cwd, dir } = filled()
  const { status, stdout, stderr } = await commandLine(['audit', 'purge', '--before', '30d', '--compact'], { cwd })
  assert.deepEqual([status, stderr], [0, ''])
  assert.match(
    stdout,
    /^removed 12 exchanges, 3 connections, 0 events and 12 files \(\d+ bytes\), written from \S+ to \S+\n$/,
  )
  assert.equal(counted(dir, 'SELECT count(*) FROM exchanges'), 8)
  const after = String(counted(dir, `SELECT "after" FROM events WHERE what = 'retention.purge'`))
  assert.equal((JSON.parse(after) as { reason: string }).reason, 'demand')
  const { ok, faults } = await verifiedLedger(dir)
  assert.ok(ok, JSON.stringify(faults[0]))
  assert.ok(statSync(databasePath(dir)).size < 600_000)
  const again = await commandLine(['audit', 'purge', '--before', '30d', '--json'], { cwd })
  assert.equal((JSON.parse(again.stdout) as { blocks: number }).blocks, 0)
})

test('what a sink has not had stays, unless it is asked for', async () => {
  const { cwd, dir } = filled()
  writeFileSync(join(cwd, 'sallyport.yaml'), 'audit: { export: [{ name: disk, type: file, path: out.jsonl }] }\n')
  const db = ledgerIn(dir)
  db.prepare(`INSERT INTO sinks (name, block, position, created, updated) VALUES ('disk', 2, 0, '2026', '2026')`).run()
  db.close()
  const careful = await commandLine(['audit', 'purge', '--before', '30d'], { cwd })
  assert.match(careful.stdout, /^removed 4 exchanges/)
  assert.match(careful.stderr, /^note: the sink "disk" has not had all of it: --unexported removes that too\n$/)
  const forced = await commandLine(['audit', 'purge', '--before', '30d', '--unexported'], { cwd })
  assert.match(forced.stdout, /^removed 8 exchanges/)
  assert.match(forced.stderr, /^note: the sink "disk" had not had 10 of the rows\n$/)
  assert.ok((await verifiedLedger(dir)).ok)
})

test('wrong usage, and a ledger that is not there', async () => {
  const cwd = tempFolder('purge')
  const cases: [string[], number, RegExp][] = [
    [['purge'], 2, /^error: say --before WHEN, or --compact/],
    [['purge', '--before', 'yesteryear'], 2, /^error: --before "yesteryear" is not a time/],
    [['purge', '--before', '30d'], 1, /^error: there is no ledger/],
  ]
  for (const [args, status, stderr] of cases) {
    const ran = await commandLine(['audit', ...args], { cwd })
    assert.equal(ran.status, status)
    assert.match(ran.stderr, stderr)
  }
})
