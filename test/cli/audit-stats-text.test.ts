import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import { shownGroups, shownStats } from '../../src/cli/audit-stats-text.ts'

test('stats leave out what there is none of', () => {
  const none = { p50: null, p99: null }
  const empty = {
    decisions: {},
    states: {},
    providers: {},
    models: {},
    findings: {},
    connections: {},
    tokens: { input: 0 },
  }
  const stats = {
    ...empty,
    exchanges: 0,
    cost_usd: null,
    unpriced: 0,
    duration_ms: none,
    first_byte_ms: none,
    added_ms: none,
  }
  assert.deepEqual(shownStats(stats), ['exchanges     0'])
  const some = shownStats({
    ...stats,
    exchanges: 4,
    duration_ms: { p50: 1.04, p99: 20 },
    findings: { A: 2 },
    unpriced: 3,
  })
  assert.ok(some.includes('duration      p50 1 ms  p99 20 ms'))
  assert.ok(some.includes('  A  2'))
  assert.ok(some.includes('cost          unknown'))
  const priced = shownStats({ ...stats, exchanges: 4, cost_usd: 0.5, unpriced: 3 })
  assert.ok(priced.includes('cost          $0.5000 (and 3 exchanges without a known price)'))
  assert.ok(shownStats({ ...stats, exchanges: 4 }).includes('cost          -'))
})

test('groups are a table', async () => {
  const stdout = new PassThrough()
  const io = { stdin: new PassThrough(), stdout, stderr: new PassThrough(), env: {}, cwd: '/' }
  const group = { exchanges: 12, with_findings: 1, blocked: 0, input_tokens: 5, output_tokens: 7, unpriced: 0 }
  await shownGroups(io, 'model', [
    { ...group, name: 'gpt-5.1', cost_usd: 1 },
    { ...group, name: 'x', cost_usd: null, unpriced: 2 },
  ])
  assert.deepEqual(String(stdout.read()).split('\n'), [
    'model    exchanges  with findings  blocked  tokens in  tokens out     cost',
    'gpt-5.1         12              1        0          5           7  $1.0000',
    'x               12              1        0          5           7  unknown',
    '',
  ])
})
