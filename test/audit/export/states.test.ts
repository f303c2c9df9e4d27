import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cursorsOf } from '../../../src/audit/export/cursors.ts'
import { sinkStates } from '../../../src/audit/export/states.ts'
import { insertEvent } from '../../../src/store/events.ts'
import { openStore } from '../../../src/store/open.ts'
import { tempFolder } from '../../support/temp.ts'

test('a sink is new, waiting, delivering, failing or removed', () => {
  const db = openStore({ dir: tempFolder('states'), durability: 'relaxed' })
  const cursors = cursorsOf(db, Date.now)
  cursors.begin('behind')
  cursors.begin('failing')
  const event = {
    id: 'e',
    at: '2026-01-01T00:00:00.000Z',
    who: 'ada',
    what: 'policy.reload' as const,
    before: null,
    after: null,
  }
  db.transaction(() => insertEvent(db, event)).immediate()
  cursors.begin('waiting')
  cursors.begin('removed')
  cursors.failed('failing', 2, 'away')
  const configured = ['new', 'behind', 'failing', 'waiting'].map((name) => ({ name, type: 'file' }))
  const states = sinkStates(db, configured, Date.parse('2026-01-01T00:01:00Z'))
  assert.deepEqual(
    states.map(({ name, type, state, lag_blocks: blocks, lag_seconds: seconds }) => [
      name,
      type,
      state,
      blocks,
      seconds,
    ]),
    [
      ['new', 'file', 'new', 0, 0],
      ['behind', 'file', 'delivering', 1, 60],
      ['failing', 'file', 'failing', 1, 60],
      ['waiting', 'file', 'waiting', 0, 0],
      ['removed', null, 'removed', 0, 0],
    ],
  )
  db.close()
})
