import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'node:test'
import { startKeeper } from '../../../src/audit/keeper/keeper.ts'
import { programVersion } from '../../../src/audit/export/chore.ts'
import { cursorsOf } from '../../../src/audit/export/cursors.ts'
import { startRecorder } from '../../../src/audit/recorder.ts'
import { openStore } from '../../../src/store/open.ts'
import { doneRow, openRow } from '../../support/ledger-rows.ts'
import { tempFolder } from '../../support/temp.ts'

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

test('a reload adds, changes and removes sinks: each goes on where it stood', async () => {
  const dir = tempFolder('export-chore')
  const recorder = startRecorder({ dir, durability: 'crash', inlineBytes: 1_000 })
  const batch = { rows: 10, bytes: 2 ** 20 }
  const sink = (name: string, file: string, more: object = {}) => {
    const what = { name, type: 'file', include: ['exchanges'], path: join(dir, file), format: 'json' }
    return { ...what, rotateBytes: 2 ** 24, keep: 1, batch, ...more }
  }
  const settings = (...sinks: ReturnType<typeof sink>[]) =>
    ({
      dir,
      durability: 'crash',
      retention: { days: 90, maxBytes: 2 ** 30 },
      checkpointSeconds: 60,
      search: false,
      sinks,
    }) as const
  const keeper = startKeeper({
    settings: settings(sink('one', 'one'), sink('two', 'two')),
    notice: () => undefined,
    figure: () => undefined,
    count: () => undefined,
  })
  const idsIn = (file: string): (string | undefined)[] =>
    existsSync(join(dir, file))
      ? [...readFileSync(join(dir, file), 'utf8').matchAll(/"id":"([^"]+)"/g)].map(([, id]) => id)
      : []
  const write = (): string => {
    const row = openRow()
    recorder.once(row, doneRow(row.id))
    return row.id
  }
  // Both begin before the first row is written.
  const db = openStore({ dir, durability: 'crash' })
  while (cursorsOf(db, Date.now).all().length < 2) await sleep(10)
  const first = write()
  while (idsIn('one').length + idsIn('two').length < 2) await sleep(10)
  keeper.reload(settings(sink('one', 'elsewhere'), sink('three', 'three', { since: '2020-01-01' })))
  while (idsIn('three').length === 0) await sleep(10)
  const second = write()
  while (idsIn('elsewhere').length === 0 || idsIn('three').length < 2) await sleep(10)
  await recorder.close()
  await keeper.close()
  db.close()
  assert.deepEqual([idsIn('one'), idsIn('two')], [[first], [first]])
  assert.deepEqual([idsIn('elsewhere'), idsIn('three')], [[second], [first, second]])
})

test('the version is a version', () => {
  assert.match(programVersion(), /^\d+\.\d+\.\d+/)
})
