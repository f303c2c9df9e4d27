import assert from 'node:assert/strict'
import { test } from 'node:test'
import { uuidv7 } from '../../src/core/ids.ts'

test('an id is a UUID of version 7 whose first 48 bits are the time', () => {
  for (let i = 0; i < 1_000; i += 1) {
    const id = uuidv7(1_700_000_000_123)
    assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    assert.equal(Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16), 1_700_000_000_123)
  }
})

test('ids of later milliseconds sort after earlier ones, and no two are equal', () => {
  const ids = Array.from({ length: 5_000 }, (_, i) => uuidv7(1_700_000_000_000 + i))
  assert.deepEqual(ids.toSorted(), ids)
  assert.equal(new Set(Array.from({ length: 5_000 }, () => uuidv7(1))).size, 5_000)
})
