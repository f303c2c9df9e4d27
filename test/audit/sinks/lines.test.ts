import assert from 'node:assert/strict'
import { test } from 'node:test'
import { idOf, linesOf, timeOf } from '../../../src/audit/sinks/lines.ts'
import { checkpointRow, eventRow, exchangeRow, sinkContext } from '../../support/export-rows.ts'

test('each row has its lines, in order, and one row may have several', () => {
  const rows = [eventRow(1), exchangeRow(2), checkpointRow(3)]
  const lines = linesOf(rows, 'ocsf', sinkContext)
  assert.deepEqual(
    lines.map(({ index, part, json }) => [index, part, json]),
    [
      [0, 0, true],
      [1, 0, true],
      [1, 1, true],
      [2, 0, true],
    ],
  )
  assert.ok(lines.every(({ index, row }) => row === rows[index]))
  assert.equal(linesOf(rows, 'cef', sinkContext)[0]?.json, false)
})

test('no line of any format has a line break in it', () => {
  for (const format of ['json', 'ocsf', 'ecs', 'cef', 'leef'] as const)
    for (const { text } of linesOf([eventRow(1)], format, sinkContext))
      assert.doesNotMatch(text, /[\r\n\u2028\u2029]/, format)
})

test('a row is from when it says, or from now', () => {
  assert.equal(timeOf(exchangeRow(1), sinkContext), Date.parse('2026-11-21T03:00:00.125Z'))
  assert.equal(timeOf(exchangeRow(1, { at: 'once' }), sinkContext), sinkContext.now())
  assert.equal(timeOf(exchangeRow(1, { at: null }), sinkContext), sinkContext.now())
})

test('a row is called by its id, and a checkpoint by its number', () => {
  assert.equal(idOf(exchangeRow(1)), exchangeRow(1).row.id)
  assert.equal(idOf(checkpointRow(4)), 'checkpoint-4')
})
