import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isDeviceId } from '../../src/attest/device-id.ts'

test('an id is letters, digits, dots, underscores and hyphens, and begins with a letter or a digit', () => {
  const good = ['a', '7', 'laptop-7', 'A.b_c-D', 'x'.repeat(64)]
  const bad = [
    '',
    '.',
    '..',
    '-a',
    '_a',
    '.a',
    'x'.repeat(65),
    'a b',
    'a/b',
    'a%2f',
    'a\n',
    'a\0',
    'ä',
    'a;b',
    'a?b',
    'a#b',
  ]
  for (const id of good) assert.ok(isDeviceId(id), id)
  for (const id of bad) assert.ok(!isDeviceId(id), JSON.stringify(id))
})
