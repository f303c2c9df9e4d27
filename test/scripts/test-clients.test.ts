import assert from 'node:assert/strict'
import { test } from 'node:test'
import { summary } from '../../scripts/test-clients.ts'

test('the summary counts what passed, failed and was skipped', () => {
  const outcomes = [
    { client: 'a', kind: 'ok' as const },
    { client: 'b', kind: 'ok' as const },
    { client: 'c', kind: 'fail' as const, reason: 'x' },
    { client: 'd', kind: 'skip' as const, reason: 'y' },
  ]
  assert.equal(summary(outcomes), '2 passed, 1 failed, 1 skipped')
  assert.equal(summary([]), '0 passed, 0 failed, 0 skipped')
})
