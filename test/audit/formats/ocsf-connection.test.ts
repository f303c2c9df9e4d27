import assert from 'node:assert/strict'
import { test } from 'node:test'
import { networkActivity } from '../../../src/audit/formats/ocsf-connection.ts'
import type { LedgerRow } from '../../../src/audit/find/presented.ts'
import { context, fullRow } from '../../support/full-rows.ts'

const event = (row: LedgerRow) => networkActivity({ table: 'connections', row, block: 1 }, context)

test('the handling says what became of the connection', () => {
  const cases = { inspect: 6, tunnel: 6, attested: 6, deny: 5, failed: 4, 'rejected-leaf': 4, unheard: 0 }
  for (const [handling, activity] of Object.entries(cases))
    assert.equal(event({ handling }).activity_id, activity, handling)
})

test('bytes are counted by the way they went', () => {
  const { traffic, tls, status_detail: detail } = networkActivity(fullRow('connections'), context)
  assert.deepEqual(traffic, { bytes: 1_091_001, bytes_out: 91_001, bytes_in: 1_000_000 })
  assert.deepEqual(tls, { version: 'unknown', sni: 'x-sni.example' })
  assert.equal(detail, 'x-reason: x-error')
  assert.equal(event({ handling: 'deny' }).traffic, undefined)
})
