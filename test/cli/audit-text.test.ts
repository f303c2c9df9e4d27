import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lineOf, shownRow, shownStats } from '../../src/cli/audit-text.ts'

test('each table has its line', () => {
  const exchange = {
    at: 'T',
    id: 'I',
    decision: null,
    state: 'lost',
    status: null,
    method: 'POST',
    host: 'h',
    path: '/p',
    model: null,
    duration_ms: null,
    findings: null,
    error: 'late',
  }
  assert.equal(lineOf('exchanges', exchange), 'T  I  lost      -  POST h/p  late')
  const ended = {
    ...exchange,
    decision: 'allow',
    state: 'aborted',
    status: 200,
    duration_ms: 12.345,
    findings: [{ type: 'A' }],
  }
  assert.equal(lineOf('exchanges', ended), 'T  I  allow     200  POST h/p  12.3 ms  A  aborted  late')
  const connection = {
    at: 'T',
    id: 'I',
    handling: 'deny',
    host: null,
    client_ip: '::1',
    port: null,
    bytes_up: null,
    bytes_down: 5,
  }
  assert.equal(lineOf('connections', connection), 'T  I  deny      ::1  up 0 down 5')
  assert.equal(
    lineOf('events', { at: 'T', id: 'I', who: 'ada', what: 'ca.rotate', subject: null }),
    'T  I  ada  ca.rotate',
  )
})

test('a whole row shows what it has, JSON bodies indented and others as they are', () => {
  const row = {
    id: 'I',
    model: null,
    stream: 0,
    findings: [{ type: 'A' }],
    hooks: [],
    request_body: '{"a":[1]}',
    response_body: 'data: {"a"\r\n\r\n',
  }
  assert.deepEqual(shownRow(row), [
    'id      I',
    'stream  0',
    '',
    'findings',
    '  {"type":"A"}',
    '',
    'request body',
    '{',
    '  "a": [',
    '    1',
    '  ]',
    '}',
    '',
    'response body',
    'data: {"a"',
    '',
    '',
  ])
})

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
    cost_usd: 0,
    unpriced: 0,
    duration_ms: none,
    first_byte_ms: none,
    added_ms: none,
  }
  assert.deepEqual(shownStats(stats), ['exchanges     0', 'cost          $0.0000'])
  const some = shownStats({ ...stats, duration_ms: { p50: 1.04, p99: 20 }, findings: { A: 2 }, unpriced: 3 })
  assert.ok(some.includes('duration      p50 1 ms  p99 20 ms'))
  assert.ok(some.includes('  A  2'))
  assert.ok(some.includes('cost          $0.0000 (and 3 exchanges without a known price)'))
})
