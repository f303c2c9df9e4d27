import fc from 'fast-check'
import type { LedgerRow } from '../../src/audit/find/presented.ts'
import type { ExportRow, ExportTable, SinkContext } from '../../src/audit/sinks/sink.ts'
import { openStore } from '../../src/store/open.ts'
import { tempFolder } from './temp.ts'

export const exportTables: readonly ExportTable[] = ['exchanges', 'connections', 'events', 'checkpoints']

export const context: SinkContext = { hostname: 'gw1', version: '1.2.3', now: () => 0 }

/** The columns that a table of a new ledger has, without those that are only ours. */
export function exportedColumns(): Readonly<Record<ExportTable, readonly string[]>> {
  const db = openStore({ dir: tempFolder('columns'), durability: 'relaxed' })
  const names = db.prepare<[string], string>('SELECT name FROM pragma_table_info(?)').pluck()
  const of = (table: ExportTable): string[] =>
    names.all(table).filter((column) => column !== 'seq' && column !== 'owner')
  const columns = {
    exchanges: of('exchanges'),
    connections: of('connections'),
    events: of('events'),
    checkpoints: of('checkpoints'),
  }
  db.close()
  return columns
}

/** A row with something in every column, of each something of its own where the column allows that. */
export function fullRow(table: ExportTable): ExportRow {
  return { table, row: full[table], block: 90_007 }
}

/** A row in which every text is anything that JavaScript can hold, and every column may be null. */
export function hostileRow(table: ExportTable): fc.Arbitrary<ExportRow> {
  const columns = Object.entries(full[table]).map(([column, value]) => {
    if (column === 'block') return [column, fc.constant(value)] as const
    if (column === 'at') return [column, fc.constantFrom(value, 'never', '')] as const
    if (typeof value === 'number') return [column, fc.option(numbers)] as const
    if (typeof value === 'string') return [column, fc.option(fc.oneof(fc.constant(value), hostileText))] as const
    return [column, fc.option(fc.oneof(hostileJson(value), hostileText, fc.jsonValue()))] as const
  })
  const row = fc.record(Object.fromEntries(columns)) as fc.Arbitrary<LedgerRow>
  return row.map((made) => ({ table, row: made, block: 90_007 }))
}

const special = [
  ...'|=\\^\t\n\r "\'{}[]<>',
  '\0',
  '\u0085',
  '\u2028',
  '\u2029',
  '\ufeff',
  '\u202e',
  '\ud800',
  '\udc00',
  '😀',
]
const injected = [
  '\r\n',
  '\\n',
  ' act=block',
  'CEF:0|',
  '\nLEEF:2.0|',
  ' cs1=x',
  '\tsev=1',
  '","a":"',
  'ü',
  '\u001b[31m',
]

/** Text of any code units, often with what is special somewhere, sometimes very long. */
export const hostileText: fc.Arbitrary<string> = fc
  .array(
    fc.oneof(
      fc.constantFrom(...special),
      fc.constantFrom(...injected),
      fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)),
    ),
    { maxLength: 40 },
  )
  .map((parts) => parts.join(''))
  .chain((text) => fc.constantFrom(text, text, text, text.repeat(300)))

const numbers = fc.oneof(
  fc.integer({ min: 0, max: 65_535 }),
  fc.constantFrom(0, 1, 1e-9, 2 ** 40, 0.1 + 0.2),
  fc.double({ noNaN: true, noDefaultInfinity: true, min: 0, max: 1e9 }),
)

function hostileJson(value: unknown): fc.Arbitrary<unknown> {
  if (Array.isArray(value)) return fc.array(hostileJson(value[0]), { maxLength: 3 })
  if (typeof value !== 'object' || value === null) return typeof value === 'number' ? numbers : hostileText
  return fc.record(Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, hostileJson(inner)])))
}

const finding = {
  type: 'x-findings',
  rule: 'x-pack-rule',
  policyRule: 'x-policy-rule',
  action: 'tokenize',
  stage: 'request',
  place: 'messages[0].content',
  start: 4,
  end: 24,
  confidence: 0.98,
  severity: 'critical',
}
const head = {
  at: '2026-11-20T19:41:55.727Z',
  client_ip: '192.0.2.77',
  principal: 'x-principal',
  host: 'x-host.example',
  port: 44_301,
}
const attestation = { outcome: 'valid', device: 'x-attestation', jti: 'j', policy: 'p' }

const full: Readonly<Record<ExportTable, LedgerRow>> = {
  exchanges: {
    id: 'x-id',
    ...head,
    door: 'x-door',
    process: 'x-process',
    method: 'POST',
    path: '/x-path?x-query=***',
    http_version: 'x-1.1',
    upstream_http_version: 'x-2',
    provider: 'x-provider',
    operation: 'x-operation',
    model: 'x-model',
    stream: 1,
    status: 297,
    decision: 'tokenize',
    rule: 'x-rule',
    state: 'done',
    error: 'x-error',
    request_bytes: 91_001,
    response_bytes: 91_002,
    first_byte_ms: 91_003,
    duration_ms: 91_004,
    added_ms: 91_005,
    input_tokens: 100_000_000,
    cached_tokens: 20_000_000,
    cache_write_tokens: 3_000_000,
    output_tokens: 400_000,
    reasoning_tokens: 50_000,
    cost_usd: 91.25,
    finish_reason: 'x-finish_reason',
    upstream_id: 'x-upstream_id',
    cache: 'x-cache',
    policy: 'x-policy',
    connection_id: 'x-connection_id',
    trace_id: 'x-trace_id',
    block: 90_007,
    request_spill: 'x-request_spill',
    response_spill: 'x-response_spill',
    request_sha256: 'x-request_sha256',
    response_sha256: 'x-response_sha256',
    request_truncated: 1,
    response_truncated: 1,
    erased: 'x-erased',
    body_key: 'x-body_key',
    attestation,
    tools: { offered: ['x-tools'], called: ['x-tools'] },
    hooks: [{ hook: 'x-hooks', rule: 'x-policy-rule', stage: 'request', verdict: 'tokenize', microseconds: 112 }],
    findings: [finding],
    request_body: 'x-request_body',
    response_body: 'x-response_body',
  },
  connections: {
    id: 'x-id',
    ...head,
    sni: 'x-sni.example',
    alpn: 'x-alpn',
    handling: 'tunnel',
    reason: 'x-reason',
    bytes_up: 91_001,
    bytes_down: 1_000_000,
    duration_ms: 91_004,
    error: 'x-error',
    attestation,
    block: 90_007,
  },
  events: {
    id: 'x-id',
    at: head.at,
    who: 'x-who',
    what: 'policy.reload',
    subject: 'x-subject',
    before: { digest: 'x-before' },
    after: { digest: 'x-after' },
    block: 90_007,
  },
  checkpoints: {
    number: 90_031,
    at: head.at,
    reason: 'interval',
    block: 90_007,
    statement: '{"sallyport":"checkpoint","x-statement":1}',
    signature: 'x-signature',
  },
}
