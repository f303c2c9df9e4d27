import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { uuidv7 } from '../../src/core/ids.ts'
import { commandLine } from '../support/command-line.ts'
import { addBlock, ledgerIn, verifiedLedger } from '../support/old-ledger.ts'
import { tempFolder } from '../support/temp.ts'

const DAY = 86_400_000

function filled(): { cwd: string; dir: string; ids: string[] } {
  const cwd = tempFolder('erase')
  const dir = join(cwd, 'data')
  const db = ledgerIn(dir)
  const row = { inline: 40, spill: 10, principal: 'eve' }
  const ids = [60, 1].flatMap((days) => addBlock(db, dir, { ...row, at: Date.now() - days * DAY, exchanges: 2 }))
  addBlock(db, dir, { ...row, at: Date.now(), principal: 'ada' })
  addBlock(db, dir, { ...row, at: Date.now(), state: 'open' })
  db.close()
  return { cwd, dir, ids }
}

test('a dry run counts; then the content of a principal goes, and the ledger verifies', async () => {
  const { cwd, dir } = filled()
  const asked = await commandLine(['audit', 'erase', '--principal', 'eve', '--dry-run'], { cwd })
  assert.equal(asked.stdout, 'would erase the content of 4 exchanges, 4 files of it\n')
  const { status, stdout, stderr } = await commandLine(['audit', 'erase', '--principal', 'eve'], { cwd })
  assert.equal(status, 0)
  assert.match(stdout, /^erased the content of 4 exchanges, 4 files \(\d+ bytes\)\n$/)
  assert.equal(stderr, 'note: 1 exchanges are not finished yet: run it again when they are\n')
  const { ok, faults } = await verifiedLedger(dir)
  assert.ok(ok, JSON.stringify(faults[0]))
})

test('only before a date, or only one exchange', async () => {
  const { cwd, ids } = filled()
  const old = await commandLine(['audit', 'erase', '--principal', 'eve', '--before', '30d', '--json'], { cwd })
  assert.equal((JSON.parse(old.stdout) as { exchanges: number }).exchanges, 2)
  const one = await commandLine(['audit', 'erase', '--id', ids[3] ?? '', '--json'], { cwd })
  const { exchanges, open, placeholders } = JSON.parse(one.stdout) as Record<string, number>
  assert.deepEqual({ exchanges, open, placeholders }, { exchanges: 1, open: 0, placeholders: 0 })
})

test('wrong usage, and a ledger that is not there', async () => {
  const cwd = tempFolder('erase')
  const id = uuidv7(Date.now())
  const cases: [string[], number, RegExp][] = [
    [[], 2, /^error: say --principal NAME, or --id ID/],
    [['--principal', 'eve', '--id', id], 2, /^error: say --principal NAME, or --id ID/],
    [['--id', 'x'], 2, /^error: --id "x" is not the id of a row/],
    [['--id', id, '--before', '30d'], 2, /^error: --before goes with --principal/],
    [['--principal', 'eve'], 1, /^error: there is no ledger/],
    [['--principal', 'eve', '--dry-run'], 1, /^error: there is no ledger/],
  ]
  for (const [args, status, stderr] of cases) {
    const ran = await commandLine(['audit', 'erase', ...args], { cwd })
    assert.equal(ran.status, status, ran.stderr)
    assert.match(ran.stderr, stderr)
  }
})
