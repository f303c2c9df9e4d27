import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  base,
  columns,
  controlOf,
  destinationEndpoint,
  observables,
  severityId,
  sourceEndpoint,
  statusOf,
} from '../../../src/audit/formats/ocsf-base.ts'
import { context, fullRow } from '../../support/full-rows.ts'

test('ids follow from the class and the activity', () => {
  const kind = { uid: 6_003, name: 'API Activity', category: 'Application Activity' }
  const event = base(fullRow('exchanges'), context, { class: kind, activity: { id: 2, name: 'Read' }, profiles: [] })
  assert.equal(event.category_uid, 6)
  assert.equal(event.type_uid, 600_302)
  assert.equal(event.type_name, 'API Activity: Read')
  assert.equal(event.time, Date.parse('2026-11-20T19:41:55.727Z'))
  const metadata = event.metadata as Record<string, unknown>
  assert.deepEqual(metadata.product, { name: 'Sallyport', vendor_name: 'Sallyport', version: '1.2.3' })
  assert.equal(metadata.version, '1.9.0')
  assert.equal('profiles' in metadata, false)
})

test('decisions and handlings have an action and a disposition', () => {
  const cases = {
    allow: [1, 1],
    flag: [3, 15],
    tokenize: [4, 11],
    redact: [4, 11],
    block: [2, 2],
    error: [0, 27],
    attested: [1, 8],
    inspect: [3, 17],
    tunnel: [1, 1],
    deny: [2, 2],
    'rejected-leaf': [2, 25],
    failed: [0, 27],
    unheard: [0, 0],
  }
  for (const [action, [actionId, dispositionId]] of Object.entries(cases)) {
    const control = controlOf(action)
    assert.deepEqual([control.action_id, control.disposition_id], [actionId, dispositionId], action)
    assert.equal(typeof control.disposition, 'string')
  }
})

test('an endpoint is never without a name', () => {
  assert.deepEqual(sourceEndpoint({ client_ip: '::1' }), { ip: '::1' })
  assert.deepEqual(sourceEndpoint({ client_ip: 'pipe' }), { name: 'pipe' })
  assert.deepEqual(sourceEndpoint({}), { name: 'unknown' })
  assert.deepEqual(destinationEndpoint({ host: 'a.example', port: 443 }), { hostname: 'a.example', port: 443 })
  assert.deepEqual(destinationEndpoint({ host: '192.0.2.1', port: 70_000 }), { ip: '192.0.2.1', port: undefined })
  assert.equal(destinationEndpoint({}), undefined)
})

test('observables say where they stand', () => {
  assert.deepEqual(observables({ client_ip: '192.0.2.1', host: '192.0.2.2' }, { at: 'actor.user.name', name: 'ann' }), [
    { name: 'src_endpoint.ip', type_id: 2, type: 'IP Address', value: '192.0.2.1' },
    { name: 'dst_endpoint.ip', type_id: 2, type: 'IP Address', value: '192.0.2.2' },
    { name: 'actor.user.name', type_id: 4, type: 'User Name', value: 'ann' },
  ])
  assert.deepEqual(observables({}, { at: 'actor.user.name', name: undefined }), [])
})

test('the status is unknown while nobody knows', () => {
  const status = (row: Record<string, unknown>) => statusOf({ table: 'exchanges', row, block: 1 }).status
  assert.equal(status({ state: 'lost' }), 'Unknown')
  assert.equal(status({ state: 'done', decision: 'allow', status: 200 }), 'Success')
  assert.equal(status({ state: 'done', decision: 'allow', status: 500 }), 'Failure')
  assert.equal(status({ state: 'aborted', decision: 'allow', status: 200 }), 'Failure')
})

test('columns that are null are left out, and words have numbers', () => {
  assert.deepEqual(columns({ a: 1, b: null, c: 0 }, 'a b c d'), { a: 1, c: 0 })
  assert.deepEqual((['info', 'low', 'medium', 'high', 'critical'] as const).map(severityId), [1, 2, 3, 4, 5])
})
