import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkpointChore } from '../../../src/audit/checkpoints/checkpoint-chore.ts'
import { newEventId } from '../../../src/core/ids.ts'
import { insertEvent } from '../../../src/store/events.ts'
import { openStore } from '../../../src/store/open.ts'
import { tempFolder } from '../../support/temp.ts'

const NOW = Date.parse('2026-11-21T03:00:00.000Z')

test('at intervals and at the end nothing is signed when nothing was written', () => {
  const dir = tempFolder('checkpoints')
  const db = openStore({ dir, durability: 'crash' })
  const event = {
    at: new Date(NOW).toISOString(),
    who: 'ada',
    what: 'policy.reload' as const,
    before: null,
    after: null,
  }
  const write = (): void => db.transaction(() => insertEvent(db, { ...event, id: newEventId(NOW) })).immediate()
  const figures: string[] = []
  const settings = {
    dir,
    durability: 'crash' as const,
    retention: { days: 1, maxBytes: 1 },
    checkpointSeconds: 7,
    search: false,
    sinks: [],
  }
  const context = { db, now: () => NOW, notice: () => {}, count: () => {} }
  const chore = checkpointChore({ ...context, settings, figure: (name, value) => figures.push(`${name} ${value}`) })
  const reasons = (): string[] => db.prepare<[], string>('SELECT reason FROM checkpoints ORDER BY number').pluck().all()
  const { signal } = new AbortController()
  assert.equal(chore.everyMs, 7_000)
  void chore.run(signal)
  assert.deepEqual(reasons(), [])
  write()
  void chore.run(signal)
  void chore.run(signal)
  assert.deepEqual(reasons(), ['interval'])
  void chore.last?.(signal)
  assert.deepEqual(reasons(), ['interval'])
  write()
  void chore.last?.(signal)
  assert.deepEqual(reasons(), ['interval', 'shutdown'])
  assert.equal(figures.at(-1), `ledger_checkpoint_timestamp_seconds ${NOW / 1_000}`)
  db.close()
})
