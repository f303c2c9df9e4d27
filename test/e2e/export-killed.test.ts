import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'node:test'
import { cursorsOf } from '../../src/audit/export/cursors.ts'
import { startRecorder } from '../../src/audit/recorder.ts'
import { openStore } from '../../src/store/open.ts'
import { doneRow, openRow } from '../support/ledger-rows.ts'
import { sides } from '../support/sink-sides.ts'
import { tempFolder } from '../support/temp.ts'

const childFile = fileURLToPath(new URL('../support/export-child.ts', import.meta.url))

test('an exporter that is killed again and again loses no row and keeps their order', async (t) => {
  const dir = tempFolder('export-killed')
  const recorder = startRecorder({ dir, durability: 'crash', inlineBytes: 1_000 })
  const db = openStore({ dir, durability: 'crash' })
  cursorsOf(db, Date.now).begin('side')
  const side = sides['webhook']?.open({})
  assert.ok(side)
  await side.start()
  const names: string[] = []
  const write = (): void => {
    for (let i = 0; i < 20; i++) {
      const row = openRow()
      names.push(row.id)
      recorder.once(row, doneRow(row.id))
    }
  }
  const settings = JSON.stringify(side.settings({ include: ['exchanges'], timeoutMs: 5_000 }))
  const start = (): ChildProcess =>
    spawn(process.execPath, [childFile, dir, settings], {
      stdio: 'inherit',
    })
  let child = start()
  t.after(async () => {
    child.kill('SIGKILL')
    await recorder.close()
    db.close()
    await side.stop()
  })
  for (let kills = 0; kills < 4; kills++) {
    const before = side.arrived().length
    write()
    await recorder.flush()
    // In the middle of it: some rows have arrived, most have not.
    while (side.arrived().length === before) await sleep(1)
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
    write()
    child = start()
  }
  await recorder.flush()
  while (!names.every((name) => side.arrived().some((text) => text.includes(name)))) await sleep(20)
  const first = names.map((name) => side.arrived().findIndex((text) => text.includes(name)))
  assert.deepEqual(
    first,
    first.toSorted((a, b) => a - b),
  )
  assert.deepEqual(side.faults(), [])
})
