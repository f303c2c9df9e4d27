import assert from 'node:assert/strict'
import { test } from 'node:test'
import { keyOf } from '../../src/access/key.ts'
import type { KeyRow } from '../../src/access/key.ts'

const row: KeyRow = {
  id: '01a1fa7e-a0f2-75e8-a316-f7739d3b65a9',
  name: 'ci',
  owner: 'platform',
  state: 'active',
  created: '2026-01-01T00:00:00.000Z',
  expires: '2026-02-01T00:00:00.000Z',
  revoked: null,
  hmac: Buffer.alloc(32, 7),
  old_hmac: Buffer.alloc(32, 8),
  old_until: '2026-01-10T00:00:00.000Z',
  models: '["gpt-*"]',
  limits: '{"rpm":5}',
  allow: '["10.0.0.0/8"]',
  system_prompt: null,
  last_used: null,
}

test('a key shows all of its row but the secrets', () => {
  const key = keyOf(row, '2026-01-05T00:00:00.000Z')
  assert.deepEqual(
    [key.models, key.limits, key.allow, key.overlap],
    [['gpt-*'], { rpm: 5 }, ['10.0.0.0/8'], row.old_until],
  )
  assert.doesNotMatch(JSON.stringify(key), /hmac|Buffer/)
})

const states: [at: string, state: KeyRow['state'], expected: string][] = [
  ['2026-01-31T23:59:59.999Z', 'active', 'active'],
  ['2026-02-01T00:00:00.000Z', 'active', 'expired'],
  ['2026-02-01T00:00:00.000Z', 'revoked', 'revoked'],
  ['2026-01-01T00:00:00.000Z', 'expired', 'expired'],
]

for (const [at, state, expected] of states) {
  test(`a key stored as ${state} is ${expected} at ${at}`, () =>
    assert.equal(keyOf({ ...row, state }, at).state, expected))
}

test('an overlap that is over is none', () => {
  assert.equal(keyOf(row, row.old_until as string).overlap, null)
})
