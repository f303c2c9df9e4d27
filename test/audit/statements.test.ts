import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Value } from '../../src/audit/rows.ts'
import {
  fileColumns,
  kinds,
  pushConnection,
  pushDone,
  pushEvent,
  pushOnce,
  pushOpen,
  type WriteKind,
  writeStatements,
} from '../../src/audit/statements.ts'
import { chainColumnsSql } from '../../src/store/chain.ts'
import { openStore, type Store } from '../../src/store/open.ts'
import { connectionRow, doneRow, openRow } from '../support/ledger-rows.ts'
import { tempFolder } from '../support/temp.ts'

/** A row in which every column that can differ does, so that no two values can be mixed up unseen. */
const open = openRow({
  process: 'curl',
  path: '/v1/x',
  operation: 'chat-op',
  connectionId: 'conn',
  traceId: 'trace',
  stream: true,
  requestBytes: 101,
  requestBody: 'request text',
  requestSpill: 'request file',
  requestSha256: 'request sum',
  requestTruncated: true,
})

const done = doneRow(open.id, {
  rule: 'the rule',
  findings: '["f"]',
  hooks: '["h"]',
  requestBytes: null,
  requestBody: null,
  responseBytes: 102,
  inputTokens: 1,
  cachedTokens: 2,
  cacheWriteTokens: 3,
  outputTokens: 4,
  reasoningTokens: 6,
  cache: 'hit',
  tools: '["t"]',
  responseBody: 'response text',
  responseSpill: 'response file',
  responseSha256: 'response sum',
  responseTruncated: false,
  state: 'aborted',
  error: 'an error',
  attestation: '{"a":1}',
  model: 'another model',
})

const stored = {
  id: open.id,
  at: open.at,
  door: 'proxy',
  client_ip: '127.0.0.1',
  principal: 'ada',
  process: 'curl',
  host: 'api.openai.com',
  port: 443,
  method: 'POST',
  path: '/v1/x',
  http_version: '1.1',
  provider: 'openai',
  operation: 'chat-op',
  policy: open.policy,
  connection_id: 'conn',
  trace_id: 'trace',
  stream: 1,
  request_bytes: 101,
  request_body: 'request text',
  request_spill: 'request file',
  request_sha256: 'request sum',
  request_truncated: 1,
  owner: 7,
}

const finished = {
  upstream_http_version: '2',
  status: 200,
  decision: 'allow',
  rule: 'the rule',
  findings: '["f"]',
  hooks: '["h"]',
  response_bytes: 102,
  first_byte_ms: 12.5,
  duration_ms: 30.25,
  added_ms: 0.7,
  input_tokens: 1,
  cached_tokens: 2,
  cache_write_tokens: 3,
  output_tokens: 4,
  reasoning_tokens: 6,
  cost_usd: 0.25,
  finish_reason: 'stop',
  upstream_id: 'chatcmpl-1',
  cache: 'hit',
  tools: '["t"]',
  response_body: 'response text',
  response_spill: 'response file',
  response_sha256: 'response sum',
  response_truncated: 0,
  state: 'aborted',
  error: 'an error',
  attestation: '{"a":1}',
  model: 'another model',
}

function write(db: Store, kind: WriteKind, push: (to: (Value | WriteKind)[]) => void): void {
  const values: Value[] = []
  push(values)
  const statement = writeStatements(7)[kind]
  assert.equal(values.length, statement?.width)
  if (statement?.slow !== undefined) return void db.prepare(statement.slow).get(3, ...values)
  const parts = statement?.quick.sql.filter((part) => typeof part === 'string' || values[part.at] !== null) ?? []
  const sql = parts.map((part) => (typeof part === 'string' ? part : part.text)).join('')
  db.prepare(sql).run(3, ...values.filter((value) => value !== null))
}

function rowOf(db: Store, table: string): Record<string, Value> {
  return db.prepare<[], Record<string, Value>>(`SELECT * FROM ${table}`).get() ?? {}
}

test('every value of an exchange lands in its column, in one write or in two', () => {
  const twice = openStore({ dir: tempFolder(), durability: 'relaxed' })
  write(twice, kinds.open, (to) => pushOpen(to, open))
  assert.partialDeepStrictEqual(rowOf(twice, 'exchanges'), { ...stored, state: 'open', model: 'gpt-5.1' })
  write(twice, kinds.done, (to) => pushDone(to, done))
  const once = openStore({ dir: tempFolder(), durability: 'relaxed' })
  write(once, kinds.once, (to) => pushOnce(to, open, done))
  for (const db of [twice, once]) {
    assert.partialDeepStrictEqual(rowOf(db, 'exchanges'), { ...stored, ...finished })
    db.close()
  }
})

test('what the end says of the request replaces what the beginning said', () => {
  const late = doneRow(open.id, { requestBytes: 9, requestBody: 'late', requestTruncated: false, stream: false })
  const want = {
    request_bytes: 9,
    request_body: 'late',
    request_truncated: 0,
    stream: 0,
    request_spill: 'request file',
  }
  const db = openStore({ dir: tempFolder(), durability: 'relaxed' })
  write(db, kinds.open, (to) => pushOpen(to, open))
  write(db, kinds.done, (to) => pushDone(to, late))
  assert.partialDeepStrictEqual(rowOf(db, 'exchanges'), want)
  write(db, kinds.once, (to) => pushOnce(to, open, late))
  assert.partialDeepStrictEqual(rowOf(db, 'exchanges'), want)
  db.close()
})

const event = {
  id: 'e',
  at: 'then',
  who: 'ada',
  what: 'key.revoke' as const,
  subject: 'k1',
  before: '"x"',
  after: '"y"',
}

test('every value of a connection and of an event lands in its column, and a second time changes nothing', () => {
  const db = openStore({ dir: tempFolder(), durability: 'relaxed' })
  const connection = connectionRow({
    id: 'c',
    principal: 'bob',
    error: 'late',
    attestation: '{"b":1}',
    sni: 'sni.example',
  })
  for (let time = 0; time < 2; time += 1) {
    write(db, kinds.connection, (to) => pushConnection(to, connection))
    write(db, kinds.event, (to) => pushEvent(to, event))
  }
  assert.deepEqual(rowOf(db, 'connections'), {
    seq: 1,
    block: 3,
    id: 'c',
    at: connection.at,
    client_ip: '127.0.0.1',
    principal: 'bob',
    host: 'bank.example',
    port: 443,
    sni: 'sni.example',
    alpn: 'h2',
    handling: 'tunnel',
    reason: 'staff privacy',
    bytes_up: 100,
    bytes_down: 5_000_000_000,
    duration_ms: 10.5,
    error: 'late',
    attestation: '{"b":1}',
  })
  assert.deepEqual(rowOf(db, 'events'), { seq: 1, block: 3, ...event })
  db.close()
})

test('the end of an exchange adds its error to that of the request, and a second time changes nothing', () => {
  const db = openStore({ dir: tempFolder(), durability: 'relaxed' })
  write(db, kinds.open, (to) => {
    const at = to.length
    pushOpen(to, open)
    to[at + fileColumns(kinds.open, 'request').error] = 'request body not kept: ENOSPC'
  })
  assert.equal(rowOf(db, 'exchanges').error, 'request body not kept: ENOSPC')
  for (let time = 0; time < 2; time += 1) {
    write(db, kinds.done, (to) => pushDone(to, done))
    assert.equal(rowOf(db, 'exchanges').error, 'an error; request body not kept: ENOSPC')
  }
  db.close()
})

test('what the chain is told of a row is what stands in it', () => {
  const db = openStore({ dir: tempFolder(), durability: 'relaxed' })
  const connection = connectionRow({ error: 'late' })
  const writes = [
    [kinds.open, (to: (Value | WriteKind)[]) => pushOpen(to, open)],
    [kinds.connection, (to: (Value | WriteKind)[]) => pushConnection(to, connection)],
    [kinds.event, (to: (Value | WriteKind)[]) => pushEvent(to, event)],
  ] as const
  for (const [kind, push] of writes) {
    const values: Value[] = []
    push(values)
    write(db, kind, push)
    const { quick, table } = writeStatements(7)[kind]!
    assert.ok('covers' in quick)
    const told = quick.covers.map((from) => (typeof from === 'number' ? values[from]! : from))
    const stands = db
      .prepare<[], Value[]>(`SELECT ${chainColumnsSql(table)} FROM ${table}`)
      .raw()
      .get()
    assert.deepEqual(told, stands)
  }
  db.close()
})

test('the places of a file are those of its name, its sum and the error, in every kind that has any', () => {
  const rows = {
    open: (to: (Value | WriteKind)[]) => pushOpen(to, open),
    done: (to: (Value | WriteKind)[]) =>
      pushDone(to, { ...done, requestSpill: 'late file', requestSha256: 'late sum' }),
    once: (to: (Value | WriteKind)[]) => pushOnce(to, open, done),
  }
  const placed = (kind: keyof typeof rows, side: 'request' | 'response'): unknown[] => {
    const values: (Value | WriteKind)[] = []
    rows[kind](values)
    const { spill, sha256, error } = fileColumns(kinds[kind], side)
    return [values[spill], values[sha256], values[error]]
  }
  assert.deepEqual(placed('open', 'request'), ['request file', 'request sum', null])
  assert.deepEqual(placed('done', 'request'), ['late file', 'late sum', 'an error'])
  assert.deepEqual(placed('done', 'response'), ['response file', 'response sum', 'an error'])
  assert.deepEqual(placed('once', 'request'), ['request file', 'request sum', 'an error'])
  assert.deepEqual(placed('once', 'response'), ['response file', 'response sum', 'an error'])
})
