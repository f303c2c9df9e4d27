import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { ChoreContext, KeeperSettings } from '../../../src/audit/keeper/chores.ts'
import { retentionChore } from '../../../src/audit/keeper/retention-chore.ts'
import { databaseSize } from '../../../src/audit/keeper/sizes.ts'
import type { Store } from '../../../src/store/open.ts'
import { addBlock, ledgerIn, verifiedLedger } from '../../support/old-ledger.ts'
import { keeperSettings } from '../../support/keeper-settings.ts'
import { tempFolder } from '../../support/temp.ts'

const DAY = 86_400_000
const NOW = Date.UTC(2026, 10, 21)
const { signal } = new AbortController()

function start(t: { after: (run: () => void) => void }, over: Partial<KeeperSettings> = {}) {
  const dir = tempFolder('retention')
  const db = ledgerIn(dir)
  t.after(() => db.close())
  const told: string[] = []
  const figures = new Map<string, number>()
  let now = NOW
  const context: ChoreContext = {
    settings: keeperSettings(dir, over),
    db,
    now: () => now,
    notice: (level, message, fields) => told.push(`${level} ${message} ${JSON.stringify(fields)}`),
    figure: (name, value, labels) => figures.set(`${name} ${Object.values(labels ?? {}).join()}`, value),
    count: (name, more, labels) => figures.set(`${name} ${Object.values(labels ?? {}).join()}`, more),
  }
  return { dir, db, told, figures, context, at: (time: number) => (now = time) }
}

const countOf = (db: Store): unknown => db.prepare('SELECT count(*) FROM exchanges').pluck().get()

test('what is older than the days goes, is logged and counted', async (t) => {
  const { dir, db, told, figures, context } = start(t)
  for (const days of [120, 91, 89, 1]) addBlock(db, dir, { at: NOW - days * DAY, exchanges: 5, spill: 50 })
  await retentionChore(context).run(signal)
  assert.equal(countOf(db), 10)
  assert.match(told[0] ?? '', /^info old rows of the ledger were removed \{"reason":"age","blocks":3,"exchanges":10,/)
  assert.equal(figures.get('ledger_removed_rows_total exchanges'), 10)
  assert.ok((figures.get('ledger_bytes bodies') ?? 0) > 500)
  assert.equal(figures.get('ledger_bytes rows'), databaseSize(db).rows)
  assert.ok((await verifiedLedger(dir)).ok)
})

test('beyond the size the oldest go, rows and files, until it is under it again', async (t) => {
  const { dir, db, context, figures } = start(t, { retention: { days: 90, maxBytes: 3_000_000 } })
  for (let i = 40; i > 0; i -= 1) addBlock(db, dir, { at: NOW - i * 1_000, exchanges: 4, inline: 20_000, spill: 5_000 })
  const chore = retentionChore(context)
  await chore.run(signal)
  const size = (figures.get('ledger_bytes rows') ?? 0) + (figures.get('ledger_bytes bodies') ?? 0)
  assert.ok(size < 3_000_000 && size > 1_000_000, String(size))
  const left = countOf(db)
  await chore.run(signal)
  assert.equal(countOf(db), left)
  const { ok, faults } = await verifiedLedger(dir)
  assert.ok(ok, JSON.stringify(faults[0]))
})

test('what a sink has not had waits, until the size demands it', async (t) => {
  const sinks = [{ name: 'soc', type: 'syslog' }]
  const { dir, db, context, told, figures } = start(t, { sinks })
  for (const days of [120, 110, 100]) addBlock(db, dir, { at: NOW - days * DAY, exchanges: 5, inline: 10_000 })
  addBlock(db, dir, { at: NOW })
  db.prepare(`INSERT INTO sinks (name, block, position, created, updated) VALUES ('soc', 2, 1, '2026', '2026')`).run()
  await retentionChore(context).run(signal)
  assert.equal(countOf(db), 11)
  const small = { ...context, settings: { ...context.settings, retention: { days: 90, maxBytes: 1 } } }
  await retentionChore(small).run(signal)
  assert.equal(countOf(db), 0)
  // Eleven exchanges, and the event of the ledger's key.
  assert.equal(figures.get('export_gap_rows_total soc'), 12)
  assert.ok(told.includes('error rows were removed before a sink had them {"sink":"soc","rows":12}'))
})

test('a clock that jumps far ahead removes nothing for a day; also when the program is started again', async (t) => {
  const { dir, db, context, told, at } = start(t)
  addBlock(db, dir, { at: NOW - DAY, exchanges: 5 })
  addBlock(db, dir, { at: NOW })
  await retentionChore(context).run(signal)
  at(NOW + 1_000 * DAY)
  await retentionChore(context).run(signal)
  assert.equal(countOf(db), 6)
  assert.match(told[0] ?? '', /^warn the clock went far ahead: nothing is removed for its age yet/)
  // Set right.
  at(NOW + 60_000)
  await retentionChore(context).run(signal)
  assert.equal(countOf(db), 6)
  assert.equal(told.length, 1)
  assert.match(readFileSync(join(dir, 'retention.json'), 'utf8'), /"doubtUntil":null/)
  // Away for long, and it is so.
  at(NOW + 1_000 * DAY)
  await retentionChore(context).run(signal)
  at(NOW + 1_001 * DAY + 1)
  await retentionChore(context).run(signal)
  assert.equal(countOf(db), 1)
})
