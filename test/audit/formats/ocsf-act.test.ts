import assert from 'node:assert/strict'
import { test } from 'node:test'
import { entityManagement } from '../../../src/audit/formats/ocsf-act.ts'
import type { LedgerRow } from '../../../src/audit/find/presented.ts'
import { eventKinds } from '../../../src/store/event-kinds.ts'
import { context } from '../../support/full-rows.ts'
import { ocsfProblems } from '../../support/ocsf-schema.ts'

const event = (row: LedgerRow) => entityManagement({ table: 'events', row, block: 1 }, context)

test('the last word of an act is its activity', () => {
  const cases = {
    'key.create': [1, 'Create'],
    'audit.export': [2, 'Read'],
    'policy.reload': [3, 'Update'],
    'retention.purge': [4, 'Delete'],
    'key.revoke': [7, 'Unenroll'],
    'program.start': [10, 'Activate'],
    'program.stop': [11, 'Deactivate'],
    'worker.died': [99, 'died'],
    odd: [99, 'odd'],
  }
  for (const [what, expected] of Object.entries(cases)) {
    const { activity_id: id, activity_name: name } = event({ what })
    assert.deepEqual([id, name], expected, what)
  }
})

test('before and after are the entity and what became of it', () => {
  const { entity, updated_entity: updated } = event({
    what: 'key.create',
    subject: 'k1',
    before: null,
    after: { name: 'a' },
  })
  assert.deepEqual(entity, { name: 'k1', type: 'key', data: undefined })
  assert.deepEqual(updated, { name: 'k1', type: 'key', data: { name: 'a' } })
})

test('every event that the ledger knows fits the schema', () => {
  for (const what of Object.keys(eventKinds))
    assert.deepEqual(ocsfProblems(JSON.parse(JSON.stringify(event({ what, who: 'program' })))), [], what)
})

test('a checkpoint is an entity that was made', () => {
  const row = { number: 3, reason: 'interval', statement: '{}', signature: 'c2ln', block: 7 }
  const { entity, unmapped } = entityManagement({ table: 'checkpoints', row, block: 7 }, context)
  assert.deepEqual(entity, { name: 'checkpoint 3', uid: '3', type: 'checkpoint' })
  assert.deepEqual(unmapped, { reason: 'interval', block: 7, statement: '{}', signature: 'c2ln' })
})
