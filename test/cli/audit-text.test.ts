import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lineOf, shownRow } from '../../src/cli/audit-text.ts'

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
