import type { ExportRow, SinkContext } from '../../src/audit/sinks/sink.ts'

/** What a sink of a test is given. */
export const sinkContext: SinkContext = { hostname: 'gate-1.example', version: '1.2.3', now: () => 1_795_000_000_500 }

/** An exchange as it is exported; `changes` are columns. */
export function exchangeRow(number = 1, changes: Readonly<Record<string, unknown>> = {}): ExportRow {
  const row = {
    id: rowId(number),
    at: '2026-11-21T03:00:00.125Z',
    door: 'proxy',
    client_ip: '127.0.0.1',
    principal: 'ada',
    process: null,
    host: 'api.openai.com',
    port: 443,
    method: 'POST',
    path: '/v1/chat/completions',
    http_version: '1.1',
    upstream_http_version: '2',
    provider: 'openai',
    operation: 'chat',
    model: 'gpt-5.1',
    stream: 1,
    status: 200,
    decision: 'redact',
    rule: 'secrets',
    state: 'done',
    error: null,
    request_bytes: 321,
    response_bytes: 1_234,
    first_byte_ms: 12.5,
    duration_ms: 250.75,
    added_ms: 0.4,
    input_tokens: 17,
    cached_tokens: 0,
    output_tokens: 42,
    cost_usd: 0.00125,
    policy: 'sha256:made-up',
    connection_id: null,
    trace_id: '4bf92f3577b34da6a3ce929d0e0e4736',
    attestation: null,
    tools: null,
    hooks: [{ name: 'dlp', stage: 'request', verdict: 'redact', us: 120 }],
    findings: [{ type: 'SECRET:aws', rule: 'aws-key', severity: 'high', confidence: 0.9, action: 'redact', count: 1 }],
    ...changes,
  }
  return { table: 'exchanges', row, block: 100 + number }
}

export function eventRow(number = 1, changes: Readonly<Record<string, unknown>> = {}): ExportRow {
  const row = {
    id: rowId(number),
    at: '2026-11-21T03:00:01.000Z',
    who: 'grüße "O\\]"',
    what: 'policy.reload',
    subject: 'policies',
    before: null,
    after: { digest: 'made-up', line: 'one\ntwo\u2028three' },
    ...changes,
  }
  return { table: 'events', row, block: 200 + number }
}

export function checkpointRow(number = 1): ExportRow {
  const row = {
    number,
    at: '2026-11-21T03:01:00.000Z',
    reason: 'interval',
    block: 7,
    statement: '{"a":1}',
    signature: 'c2ln',
  }
  return { table: 'checkpoints', row, block: 7 }
}

/** Some exchanges. */
export const exchangeRows = (count: number): ExportRow[] => Array.from({ length: count }, (_, n) => exchangeRow(n + 1))

const rowId = (number: number): string => `019ab0c0-0000-7000-8000-${String(number).padStart(12, '0')}`
