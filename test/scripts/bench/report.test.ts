import assert from 'node:assert/strict'
import { test } from 'node:test'
import { figure, median, quantile, table } from '../../../scripts/bench/report.ts'

test('quantiles do not disturb their input and are NaN of nothing', () => {
  const values = [3, 1, 2, 10]
  assert.deepEqual([quantile(values, 0), median(values), quantile(values, 1)], [1, 3, 10])
  assert.deepEqual(values, [3, 1, 2, 10])
  assert.ok(Number.isNaN(quantile([], 0.5)))
})

test('a table lines up its columns', () => {
  assert.equal(
    table([
      ['', 'a'],
      ['long', '1'],
      ['x', '100'],
    ]),
    '        a\nlong    1\nx     100',
  )
})

test('figures keep the digits that matter', () => {
  assert.deepEqual(
    [figure(1.234, ' ms'), figure(12.34), figure(1234.5), figure(Number.NaN), figure(undefined)],
    ['1.23 ms', '12.3', '1235', '–', '–'],
  )
})
