import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ecs } from '../../../src/audit/formats/ecs.ts'
import { eventKinds } from '../../../src/store/event-kinds.ts'
import { ecsProblems } from '../../support/ecs-schema.ts'
import { context, exportTables, fullRow, hostileRow } from '../../support/full-rows.ts'

const read = (...given: Parameters<typeof ecs.lines>) => JSON.parse(ecs.lines(...given)[0]) as Document

type Document = Readonly<Record<string, unknown>> & { readonly event: Readonly<Record<string, unknown>> }

test('what is exported has fields of ECS, of their types and allowed values', () => {
  for (const table of exportTables) assert.deepEqual(ecsProblems(read(fullRow(table), context)), [], table)
  for (const what of Object.keys(eventKinds))
    assert.deepEqual(ecsProblems(read({ table: 'events', row: { what }, block: 1 }, context)), [], what)
})

test('whatever a row holds, the document fits', () => {
  for (const table of exportTables)
    fc.assert(
      fc.property(hostileRow(table), (out) => assert.deepEqual(ecsProblems(read(out, context)), [])),
      { numRuns: 150 },
    )
})

test('the checks find what does not fit', () => {
  const document = read(fullRow('exchanges'), context)
  const broken: readonly (readonly [string, unknown])[] = [
    ['@timestamp', 'yesterday'],
    ['invented', 'x'],
    ['event', { ...document.event, category: ['llm'] }],
    ['event', { ...document.event, type: ['connection'] }],
    ['event', { ...document.event, duration: 0.5 }],
    ['source', { ip: 'localhost' }],
    ['labels', { a: ['b'] }],
    ['ecs', {}],
  ]
  for (const [field, value] of broken) assert.notDeepEqual(ecsProblems({ ...document, [field]: value }), [], field)
})

test('findings make an alert of an exchange', () => {
  assert.equal(read(fullRow('exchanges'), context).event.kind, 'alert')
  assert.equal(
    read({ table: 'exchanges', row: { decision: 'allow', findings: [] }, block: 1 }, context).event.kind,
    'event',
  )
})

test('what is related is there to pivot on, each once', () => {
  const row = { client_ip: '192.0.2.1', host: '192.0.2.1', principal: 'ann', request_sha256: 'a', response_sha256: 'a' }
  const { related } = read({ table: 'exchanges', row, block: 1 }, context)
  assert.deepEqual(related, { ip: ['192.0.2.1'], hosts: ['192.0.2.1'], user: ['ann'], hash: ['a'] })
  assert.equal(read({ table: 'checkpoints', row: {}, block: 1 }, context).related, undefined)
})
