import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'node:test'
import { startKeeper } from '../../src/audit/keeper.ts'
import { programVersion } from '../../src/audit/export-chore.ts'
import { startRecorder } from '../../src/audit/recorder.ts'
import { doneRow, openRow } from '../support/ledger-rows.ts'
import { tempFolder } from '../support/temp.ts'

test('the keeper delivers what a recorder writes, the last of it at the end', async () => {
  const dir = tempFolder('export-chore')
  const path = join(dir, 'rows.jsonl')
  const recorder = startRecorder({ dir, durability: 'crash', inlineBytes: 1_000 })
  await recorder.flush()
  const figures = new Map<string, number>()
  const notices: unknown[] = []
  const batch = { rows: 10, bytes: 2 ** 20 }
  const what = { name: 'disk', type: 'file', include: ['exchanges'], bodies: true }
  const sink = { ...what, path, format: 'json', rotateBytes: 2 ** 24, keep: 1, batch }
  const keeper = startKeeper({
    settings: {
      dir,
      durability: 'crash',
      retention: { days: 90, maxBytes: 2 ** 30 },
      checkpointSeconds: 60,
      search: false,
      sinks: [sink],
    },
    notice: (level, message, fields) => level !== 'info' && notices.push([message, fields]),
    figure: (name, value) => figures.set(name, value),
    count: (name, more) => figures.set(name, (figures.get(name) ?? 0) + more),
  })
  while (!figures.has('export_up')) await sleep(10)
  const first = Array.from({ length: 25 }, () => openRow())
  for (const row of first) recorder.once(row, doneRow(row.id))
  const lines = (): string[] => (existsSync(path) ? readFileSync(path, 'utf8').split('\n').filter(Boolean) : [])
  while (lines().length < 25) await sleep(10)
  const last = openRow()
  recorder.once(last, doneRow(last.id))
  await recorder.close()
  await keeper.close()
  const ids = lines().map((line) => /"id":"([^"]+)"/.exec(line)?.[1])
  assert.deepEqual(
    ids,
    [...first, last].map(({ id }) => id),
  )
  assert.deepEqual([figures.get('export_rows_total'), figures.get('export_lag_blocks')], [26, 0])
  assert.deepEqual(notices, [])
})

test('the version is a version', () => {
  assert.match(programVersion(), /^\d+\.\d+\.\d+/)
})
