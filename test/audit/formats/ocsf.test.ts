import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ocsf } from '../../../src/audit/formats/ocsf.ts'
import { context, exportTables, fullRow, hostileRow } from '../../support/full-rows.ts'
import { ocsfProblems } from '../../support/ocsf-schema.ts'

const read = (...given: Parameters<typeof ocsf.lines>) => ocsf.lines(...given).map((line) => JSON.parse(line) as Event)

type Event = Readonly<Record<string, unknown>> & { readonly metadata: Readonly<Record<string, unknown>> }

test('each table has its class, and an exchange with findings two events', () => {
  const classes = exportTables.map((table) => read(fullRow(table), context).map(({ class_uid: uid }) => uid))
  assert.deepEqual(classes, [[6_003, 2_004], [4_001], [3_004], [3_004]])
  const { findings: _, ...row } = fullRow('exchanges').row
  assert.equal(read({ table: 'exchanges', row, block: 1 }, context).length, 1)
  assert.equal(read({ table: 'exchanges', row: { ...row, findings: [] }, block: 1 }, context).length, 1)
})

test('what is exported fits the schema', () => {
  for (const table of exportTables)
    for (const event of read(fullRow(table), context)) assert.deepEqual(ocsfProblems(event), [], table)
})

test('whatever a row holds, its events fit the schema', () => {
  for (const table of exportTables)
    fc.assert(
      fc.property(hostileRow(table), (out) => {
        for (const event of read(out, context)) assert.deepEqual(ocsfProblems(event), [])
      }),
      { numRuns: 150 },
    )
})

test('the checks of the schema find what does not fit', () => {
  const [event] = read(fullRow('exchanges'), context)
  const broken: readonly (readonly [string, unknown])[] = [
    ['type_uid', 600_399],
    ['category_uid', 4],
    ['severity_id', 9],
    ['severity', 'Low'],
    ['time', '2026-11-20T19:41:55.727Z'],
    ['actor', {}],
    ['src_endpoint', undefined],
    ['http_response', { latency: 1 }],
    ['invented', 'x'],
    ['metadata', { ...event?.metadata, profiles: [] }],
    ['class_uid', 9_999],
  ]
  assert.deepEqual(ocsfProblems(event), [])
  for (const [name, value] of broken) assert.notDeepEqual(ocsfProblems({ ...event, [name]: value }), [], name)
})

test('every event of a ledger has a name of its own, and the two of an exchange one in common', () => {
  const [activity, finding] = read(fullRow('exchanges'), context)
  assert.equal(activity?.metadata.uid, 'x-id')
  assert.equal(finding?.metadata.uid, 'x-id:finding')
  assert.equal(activity?.metadata.correlation_uid, finding?.metadata.correlation_uid)
})
