import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { sealRows } from '../../../src/audit/bodies/seal-rows.ts'
import { unsealed } from '../../../src/audit/bodies/seal.ts'
import type { Value } from '../../../src/audit/rows.ts'

const key = { id: 'k1', key: randomBytes(32) }
// Kind 0 has content (id, request, its file, key), kind 1 has none.
const kinds = [
  { width: 4, content: { id: 0, bodyKey: 3, sides: [{ side: 'request', body: 1, spill: 2 } as const] } },
  { width: 2 },
]

test('of each write the inline body is sealed for its row, and the key is named where there is content', () => {
  const values: Value[] = [
    0,
    'a',
    'text',
    null,
    null,
    1,
    'x',
    'y',
    0,
    'b',
    null,
    'file',
    null,
    0,
    'c',
    null,
    null,
    null,
  ]
  sealRows(key, kinds, values)
  const body = values[2]
  const opened = unsealed(Buffer.from(String(body), 'base64'), [key], { id: 'a', side: 'request' }, 100)
  assert.equal(String(opened), 'text')
  const rows = [
    [0, 'a', null, null, 'k1'],
    [1, 'x', 'y'],
    [0, 'b', null, 'file', 'k1'],
    [0, 'c', null, null, null],
  ]
  assert.deepEqual(values.with(2, null), rows.flat())
})
