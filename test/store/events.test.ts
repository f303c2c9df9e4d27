import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SallyportError } from '../../src/core/errors.ts'
import { recordEvent } from '../../src/store/events.ts'
import { openStore } from '../../src/store/open.ts'
import { chainOfLedger } from '../support/chained.ts'
import { tempFolder } from '../support/temp.ts'

test('an event that is written without a recorder is in the chain', () => {
  const dir = tempFolder()
  const at = '2026-01-02T03:04:05.678Z'
  const event = { id: 'e1', at, who: 'ada', what: 'ca.rotate' as const, before: null, after: '{"a":1}' }
  recordEvent({ dir, durability: 'crash' }, event)
  recordEvent({ dir, durability: 'crash' }, { ...event, id: 'e2', subject: 's', before: '1' })
  const db = openStore({ dir, durability: 'crash' })
  assert.deepEqual(db.prepare('SELECT id, at, who, what, subject, "before", "after", block FROM events').raw().all(), [
    ['e1', at, 'ada', 'ca.rotate', null, null, '{"a":1}', 1],
    ['e2', at, 'ada', 'ca.rotate', 's', '1', '{"a":1}', 2],
  ])
  assert.deepEqual(
    chainOfLedger(db).map(({ kind, seq, block }) => ({ kind, seq, block })),
    [
      { kind: 4, seq: 1, block: 1 },
      { kind: 4, seq: 2, block: 2 },
    ],
  )
  db.close()
  assert.throws(
    () => recordEvent({ dir: '/dev/null/x', durability: 'crash' }, event),
    (thrown) => thrown instanceof SallyportError,
  )
})
