import assert from 'node:assert/strict'
import { test } from 'node:test'
import { logChore } from '../../../src/audit/keeper/log-chore.ts'
import { startRecorder } from '../../../src/audit/recorder.ts'
import { openStore, type Store } from '../../../src/store/open.ts'
import { openRow } from '../../support/ledger-rows.ts'
import { tempFolder } from '../../support/temp.ts'

const waiting = (db: Store): number => {
  const [state] = db.pragma('wal_checkpoint(NOOP)') as { log: number; checkpointed: number }[]
  return (state?.log ?? 0) - (state?.checkpointed ?? 0)
}

test('a log that has grown is moved to the database while the writer goes on, a short one is left', async () => {
  const dir = tempFolder('ledger')
  const recorder = startRecorder({ dir, durability: 'crash', inlineBytes: 65_536 })
  const db = openStore({ dir, durability: 'crash' })
  const { run } = logChore({ db })
  const { signal } = new AbortController()
  await recorder.open(openRow())
  const before = waiting(db)
  void run(signal)
  assert.equal(waiting(db), before)
  for (let i = 0; i < 100; i += 1) await recorder.open(openRow({ requestBody: 'x'.repeat(60_000) }))
  assert.ok(waiting(db) > 1_000)
  void run(signal)
  assert.equal(waiting(db), 0)
  await recorder.open(openRow())
  db.close()
  await recorder.close()
})
