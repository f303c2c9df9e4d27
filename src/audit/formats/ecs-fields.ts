import { isIP } from 'node:net'
import type { LedgerRow } from '../find/presented.ts'
import type { ExportTable } from '../sinks/sink.ts'
import { compact } from './cef-fields.ts'
import {
  address,
  distinct,
  firstObjects,
  flag,
  int32,
  number,
  objects,
  port,
  sum,
  text,
  timeOf,
  toolNames,
  whole,
} from './fields.ts'
import { worstFinding } from './severity.ts'

/** The fields of ECS that a table has besides what all have; `event` is added to theirs. */
export type EcsFields = {
  readonly event: Readonly<Record<string, unknown>>
  readonly sallyport: Readonly<Record<string, unknown>>
  readonly [field: string]: unknown
}

export const ecsFields = {
  exchanges: exchangeFields,
  connections: connectionFields,
  events: eventFields,
  checkpoints: checkpointFields,
} as const satisfies Record<ExportTable, (row: LedgerRow) => EcsFields>

function exchangeFields(row: LedgerRow): EcsFields {
  const [rule, trace, process, error] = [
    text(row, 'rule'),
    text(row, 'trace_id'),
    text(row, 'process'),
    text(row, 'error'),
  ]
  const found = objects(row, 'findings').length > 0
  return {
    ...endpoints(row),
    event: {
      category: found ? ['api', 'intrusion_detection'] : ['api'],
      type: ['access', ofDecision[text(row, 'decision') ?? ''] ?? 'info'],
      ...timing(row),
    },
    user: named(text(row, 'principal')),
    process: named(process),
    rule: named(rule),
    trace: trace === undefined ? undefined : { id: trace },
    error: error === undefined ? undefined : { message: error },
    url: url(row),
    http: http(row),
    network: { protocol: 'http', transport: 'tcp', direction: 'outbound' },
    gen_ai: generative(row),
    sallyport: { ...columns(row, exchangeColumns), ...exchangeLists(row) },
  }
}

/** All that went in counts as input, also from a cache and into one; all that came out as output (OpenTelemetry, gen-ai). */
function generative(row: LedgerRow): Record<string, unknown> {
  const [provider, operation] = [text(row, 'provider'), text(row, 'operation')]
  const [model, id] = [text(row, 'model'), text(row, 'upstream_id')]
  const input = int32(sum(row, 'input_tokens', 'cached_tokens', 'cache_write_tokens'))
  const output = int32(sum(row, 'output_tokens', 'reasoning_tokens'))
  return {
    system: provider,
    operation: named(operation),
    request: model === undefined ? undefined : { model },
    response: id === undefined ? undefined : { id },
    usage: input === undefined && output === undefined ? undefined : { input_tokens: input, output_tokens: output },
  }
}

function exchangeLists(row: LedgerRow): Record<string, unknown> {
  return {
    stream: flag(row, 'stream'),
    request_truncated: flag(row, 'request_truncated'),
    response_truncated: flag(row, 'response_truncated'),
    findings: firstObjects(row, 'findings'),
    finding_count: objects(row, 'findings').length,
    finding_types: distinct(row, 'findings', 'type'),
    finding_severity: worstFinding(row),
    hooks: firstObjects(row, 'hooks'),
    tools: { offered: toolNames(row, 'offered'), called: toolNames(row, 'called') },
    attestation: compact(row, 'attestation'),
  }
}

function url(row: LedgerRow): Record<string, unknown> {
  const original = text(row, 'path')
  const mark = original?.indexOf('?') ?? -1
  return {
    domain: text(row, 'host'),
    port: port(row),
    original,
    path: mark < 0 ? original : original?.slice(0, mark),
    query: mark < 0 ? undefined : original?.slice(mark + 1),
  }
}

function http(row: LedgerRow): Record<string, unknown> {
  return {
    version: text(row, 'http_version'),
    request: { id: text(row, 'id'), method: text(row, 'method'), body: body(row, 'request') },
    response: { status_code: whole(row, 'status'), body: body(row, 'response') },
  }
}

/** The content is there when the sink asks for bodies. */
function body(row: LedgerRow, side: 'request' | 'response'): Record<string, unknown> | undefined {
  const [bytes, content] = [whole(row, `${side}_bytes`), text(row, `${side}_body`)]
  return bytes === undefined && content === undefined ? undefined : { bytes, content }
}

function connectionFields(row: LedgerRow): EcsFields {
  const [sni, alpn, error] = [text(row, 'sni'), text(row, 'alpn'), text(row, 'error')]
  const { source, destination } = endpoints(row)
  return {
    client: source,
    server: destination,
    source: { ...source, bytes: whole(row, 'bytes_up') },
    destination: { ...destination, bytes: whole(row, 'bytes_down') },
    event: {
      category: ['network'],
      type: ['connection', 'end', ...(ofHandling[text(row, 'handling') ?? ''] ?? [])],
      reason: text(row, 'reason'),
      ...timing(row),
    },
    user: named(text(row, 'principal')),
    error: error === undefined ? undefined : { message: error },
    network: { transport: 'tcp', direction: 'outbound', bytes: sum(row, 'bytes_up', 'bytes_down') },
    tls: sni === undefined && alpn === undefined ? undefined : { client: { server_name: sni }, next_protocol: alpn },
    sallyport: { ...columns(row, 'handling duration_ms'), attestation: compact(row, 'attestation') },
  }
}

function eventFields(row: LedgerRow): EcsFields {
  const what = text(row, 'what') ?? ''
  const [category, type] = ofEvent.find(([prefix]) => what.startsWith(prefix))?.[1] ?? [['configuration'], ['change']]
  return {
    event: { category, type },
    user: named(text(row, 'who')),
    sallyport: { ...columns(row, 'subject'), before: compact(row, 'before'), after: compact(row, 'after') },
  }
}

function checkpointFields(row: LedgerRow): EcsFields {
  return {
    event: { category: ['configuration'], type: ['creation'], reason: text(row, 'reason') },
    sallyport: { checkpoint: columns(row, 'number statement signature') },
  }
}

type Endpoint = Readonly<Record<string, unknown>> | undefined

function endpoints(row: LedgerRow): { source: Endpoint; client: Endpoint; destination: Endpoint; server: Endpoint } {
  const [from, host] = [text(row, 'client_ip'), text(row, 'host')]
  const source = from === undefined ? undefined : { address: from, ip: address(row, 'client_ip') }
  const named = host !== undefined && isIP(host) === 0
  const destination =
    host === undefined ? undefined : { address: host, [named ? 'domain' : 'ip']: host, port: port(row) }
  return { source, client: source, destination, server: destination }
}

/** `duration` is in nanoseconds. */
function timing(row: LedgerRow): Record<string, unknown> {
  const [start, duration] = [timeOf(row), number(row, 'duration_ms')]
  if (duration === undefined) return { start: new Date(start).toISOString() }
  const end = new Date(Math.min(start + Math.max(0, Math.round(duration)), LAST_TIME))
  return { start: new Date(start).toISOString(), end: end.toISOString(), duration: Math.round(duration * 1_000_000) }
}

const named = (name: string | undefined): { readonly name: string } | undefined =>
  name === undefined ? undefined : { name }

function columns(row: LedgerRow, names: string): Record<string, unknown> {
  return Object.fromEntries(names.split(' ').flatMap((name) => (row[name] === null ? [] : [[name, row[name]]])))
}

const exchangeColumns = [
  'door upstream_http_version decision state cache finish_reason policy connection_id first_byte_ms duration_ms added_ms',
  'input_tokens cached_tokens cache_write_tokens output_tokens reasoning_tokens cost_usd',
  'request_spill response_spill request_sha256 response_sha256 erased body_key',
].join(' ')
const ofDecision: Readonly<Record<string, string>> = {
  allow: 'allowed',
  attested: 'allowed',
  flag: 'allowed',
  tokenize: 'allowed',
  redact: 'allowed',
  block: 'denied',
}
const ofHandling: Readonly<Record<string, readonly string[]>> = {
  inspect: ['allowed'],
  tunnel: ['allowed'],
  attested: ['allowed'],
  deny: ['denied'],
  'rejected-leaf': ['denied'],
}
/** `event.category` and `event.type` by the beginning of `what`; what is not here is a change of the configuration. */
const ofEvent: readonly (readonly [prefix: string, [category: readonly string[], type: readonly string[]]])[] = [
  ['program.start', [['process'], ['start']]],
  ['program.stop', [['process'], ['end']]],
  ['program.', [['process'], ['info']]],
  ['worker.died', [['process'], ['end']]],
  ['console.token', [['iam'], ['creation']]],
  ['retention.', [['configuration'], ['deletion']]],
  ['content.erase', [['configuration'], ['deletion']]],
  ['audit.export', [['configuration'], ['access']]],
  ['key.create', [['iam'], ['creation']]],
  ['key.', [['iam'], ['change']]],
  ['device.enroll', [['iam'], ['creation']]],
  ['device.', [['iam'], ['change']]],
  ['operator.', [['iam'], ['admin', 'change']]],
  ['login', [['authentication'], ['start']]],
]
const LAST_TIME = 8.64e15
