import assert from 'node:assert/strict'
import { mkdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { orphansChore } from '../../../src/audit/keeper/orphans-chore.ts'
import { spillName } from '../../../src/audit/bodies/spill-file.ts'
import { uuidv7 } from '../../../src/core/ids.ts'
import { addBlock, ledgerIn } from '../../support/old-ledger.ts'
import { keeperSettings } from '../../support/keeper-settings.ts'
import { tempFolder } from '../../support/temp.ts'

test('what was found is told once in log, metrics and an event', async (t) => {
  const dir = tempFolder('orphans')
  const db = ledgerIn(dir)
  t.after(() => db.close())
  const told: string[] = []
  const figures = new Map<string, number>()
  const chore = orphansChore({
    settings: keeperSettings(dir),
    db,
    now: Date.now,
    notice: (level, message, fields) => told.push(`${level} ${message} ${JSON.stringify(fields)}`),
    figure: (name, value) => figures.set(name, value),
    count: (name, more) => figures.set(name, (figures.get(name) ?? 0) + more),
  })
  const signal = new AbortController().signal
  const [id = ''] = addBlock(db, dir, { at: Date.now(), spill: 10 })
  await chore.run(signal)
  assert.deepEqual(told, [])
  rmSync(join(dir, spillName(id, 'response')))
  const orphan = join(dir, spillName(uuidv7(Date.now()), 'request'))
  mkdirSync(dirname(orphan), { recursive: true })
  writeFileSync(orphan, 'content')
  utimesSync(orphan, new Date(0), new Date(0))
  await chore.run(signal)
  await chore.run(signal)
  const found = { removed: 1, bytes: 4_096, missing: [`${id}.response`], missingCount: 1 }
  assert.deepEqual(told, [`error body files and rows did not fit together ${JSON.stringify(found)}`])
  assert.deepEqual(Object.fromEntries(figures), { ledger_missing_files: 1, ledger_orphans_total: 1 })
  const events = db.prepare<[], string>(`SELECT "after" FROM events WHERE what = 'ledger.orphans'`).pluck().all()
  assert.deepEqual(
    events.map((text) => JSON.parse(text)),
    [found],
  )
})
