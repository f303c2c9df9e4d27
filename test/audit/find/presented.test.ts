import assert from 'node:assert/strict'
import { test } from 'node:test'
import { presented } from '../../../src/audit/find/presented.ts'

test('JSON columns are parsed, internal ones left out, the rest is as it is', () => {
  const row = {
    seq: 1,
    owner: 2,
    id: 'a',
    findings: '[{"type":"X"}]',
    hooks: 'not json',
    tools: null,
    request_body: '{"a":1}',
  }
  assert.deepEqual(presented(row), {
    id: 'a',
    findings: [{ type: 'X' }],
    hooks: 'not json',
    tools: null,
    request_body: '{"a":1}',
  })
})
