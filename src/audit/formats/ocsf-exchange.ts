import type { LedgerRow } from '../find/presented.ts'
import type { ExportRow, SinkContext } from '../sinks/sink.ts'
import { distinct, firstObjects, idOf, number, objects, port, sum, text, timeOf, whole } from './fields.ts'
import {
  base,
  columns,
  controlOf,
  destinationEndpoint,
  observables,
  type OcsfActivity,
  severityId,
  sourceEndpoint,
  statusOf,
} from './ocsf-base.ts'
import { severityOf, worstFinding } from './severity.ts'

/** API Activity (6003) with the profiles `ai_operation`, `security_control` and, when it is part of a trace, `trace`. */
export function apiActivity(out: ExportRow, context: SinkContext): Record<string, unknown> {
  const { row, block } = out
  const trace = text(row, 'trace_id')
  const profiles = ['ai_operation', 'security_control', ...(trace === undefined ? [] : ['trace'])]
  const kind = { uid: 6_003, name: 'API Activity', category: 'Application Activity' }
  return {
    ...base(out, context, { class: kind, activity: activityOf(row), profiles }),
    ...statusOf(out),
    status_code: text(row, 'status'),
    status_detail: text(row, 'error'),
    ...controlOf(text(row, 'decision')),
    ...subjects(row),
    ...model(row),
    ...ruling(row),
    is_alert: isAlert(out),
    trace: trace === undefined ? undefined : { uid: trace },
    observables: observables(row, { at: 'actor.user.name', name: text(row, 'principal') }),
    unmapped: {
      ...columns(row, unmapped),
      findings: firstObjects(row, 'findings'),
      finding_count: objects(row, 'findings').length,
      hooks: firstObjects(row, 'hooks'),
      block,
    },
  }
}

/** Detection Finding (2004), one for all that was found in an exchange. It is about the exchange: `finding_info.related_events` names it. */
export function detectionFinding(out: ExportRow, context: SinkContext): Record<string, unknown> {
  const { row, block } = out
  const id = idOf('exchanges', row)
  const kind = { uid: 2_004, name: 'Detection Finding', category: 'Findings' }
  const activity = { id: 1, name: 'Create' }
  const confidence = confidenceOf(row)
  const { actor, api, http_request, http_response, src_endpoint, dst_endpoint } = subjects(row)
  return {
    ...base(out, context, { class: kind, activity, uid: `${id}:finding`, profiles: ['security_control'] }),
    message: titleOfFindings(row),
    status_id: 1,
    status: 'New',
    ...controlOf(text(row, 'decision')),
    ...ruling(row),
    is_alert: isAlert(out),
    confidence_id: confidence >= 0.8 ? 3 : confidence >= 0.5 ? 2 : 1,
    confidence: confidence >= 0.8 ? 'High' : confidence >= 0.5 ? 'Medium' : 'Low',
    confidence_score: Math.round(confidence * 100),
    finding_info: findingInfo(row, id),
    evidences: [
      {
        actor,
        api,
        http_request,
        http_response,
        src_endpoint,
        dst_endpoint,
        data: { findings: firstObjects(row, 'findings') },
      },
    ],
    unmapped: {
      ...columns(row, 'decision model provider operation'),
      finding_count: objects(row, 'findings').length,
      block,
    },
  }
}

/** That of the surest finding, 0 to 1. */
function confidenceOf(row: LedgerRow): number {
  return objects(row, 'findings').reduce((most, one) => Math.min(1, Math.max(most, number(one, 'confidence') ?? 0)), 0)
}

function findingInfo(row: LedgerRow, id: string): Record<string, unknown> {
  const rules = distinct(row, 'findings', 'rule')
  const analytic = (name: string): Record<string, unknown> => ({ name, uid: name, type_id: 1, type: 'Rule' })
  return {
    uid: `${id}:finding`,
    title: titleOfFindings(row),
    types: distinct(row, 'findings', 'type'),
    created_time: timeOf(row),
    data_sources: ['exchanges'],
    analytic: analytic(rules[0] ?? text(row, 'rule') ?? 'unknown'),
    related_analytics: rules.length > 1 ? rules.slice(1).map(analytic) : undefined,
    related_events: [
      { uid: id, type_uid: 600_300 + activityOf(row).id, severity_id: severityId(worstFinding(row) ?? 'info') },
    ],
    related_events_count: 1,
  }
}

function titleOfFindings(row: LedgerRow): string {
  const types = distinct(row, 'findings', 'type')
  const more = types.length > NAMED ? ` and ${types.length - NAMED} more` : ''
  return `Found in an LLM exchange: ${types.slice(0, NAMED).join(', ')}${more}`
}

/** Who asked whom for what. */
function subjects(row: LedgerRow): Record<string, unknown> {
  const provider = text(row, 'provider')
  const [operation, error] = [text(row, 'operation'), text(row, 'error')]
  const status = whole(row, 'status')
  return {
    actor: actor(row),
    api: {
      operation: operation ?? text(row, 'method') ?? 'unknown',
      service: provider === undefined ? undefined : { name: provider },
      request: { uid: idOf('exchanges', row), data: bodyOf(row, 'request') },
      response:
        status === undefined && error === undefined
          ? undefined
          : { code: status, error, data: bodyOf(row, 'response') },
    },
    src_endpoint: sourceEndpoint(row),
    dst_endpoint: destinationEndpoint(row),
    http_request: httpRequest(row),
    http_response:
      status === undefined
        ? undefined
        : { code: status, body_length: whole(row, 'response_bytes'), latency: whole(row, 'first_byte_ms') },
  }
}

function actor(row: LedgerRow): Record<string, unknown> {
  const [name, process] = [text(row, 'principal'), text(row, 'process')]
  return {
    user: name === undefined ? undefined : { name },
    process: process === undefined ? undefined : { name: process, uid: process },
    session: { uid: text(row, 'connection_id') ?? idOf('exchanges', row) },
  }
}

function httpRequest(row: LedgerRow): Record<string, unknown> {
  const [path = '/', ...query] = (text(row, 'path') ?? '/').split('?')
  const method = text(row, 'method')
  return {
    uid: idOf('exchanges', row),
    http_method: method !== undefined && methods.has(method) ? method : undefined,
    version: text(row, 'http_version'),
    body_length: whole(row, 'request_bytes'),
    url: {
      hostname: text(row, 'host'),
      port: port(row),
      path: path === '' ? '/' : path,
      query_string: query.length === 0 ? undefined : query.join('?'),
    },
  }
}

/** `prompt_tokens` are all that went in, cached and written to a cache too; `completion_tokens` all that came out. */
function model(row: LedgerRow): Record<string, unknown> {
  const [name, provider] = [text(row, 'model'), text(row, 'provider')]
  const input = sum(row, 'input_tokens', 'cached_tokens', 'cache_write_tokens')
  const output = sum(row, 'output_tokens', 'reasoning_tokens')
  const tokens = { prompt_tokens: input, completion_tokens: output, total_tokens: (input ?? 0) + (output ?? 0) }
  return {
    ai_model: name === undefined ? undefined : { name, ai_provider: provider ?? 'unknown' },
    message_context:
      input === undefined && output === undefined ? undefined : { service: { name: provider ?? 'unknown' }, ...tokens },
  }
}

function ruling(row: LedgerRow): Record<string, unknown> {
  const [rule, policy] = [text(row, 'rule'), text(row, 'policy')]
  return {
    firewall_rule: rule === undefined ? undefined : { name: rule },
    policy: policy === undefined ? undefined : { uid: policy, name: 'Sallyport policies', is_applied: true },
  }
}

const isAlert = (out: ExportRow): boolean => text(out.row, 'decision') === 'block' || severityOf(out) >= ALERT

function bodyOf(row: LedgerRow, side: 'request' | 'response'): Record<string, unknown> | undefined {
  const body = text(row, `${side}_body`)
  return body === undefined ? undefined : { body }
}

function activityOf(row: LedgerRow): OcsfActivity {
  const method = text(row, 'method') ?? 'unknown'
  return activities.get(method) ?? { id: 99, name: method }
}

// A client may call its method anything, `constructor` too.
const activities: ReadonlyMap<string, OcsfActivity> = new Map([
  ['POST', { id: 1, name: 'Create' }],
  ['GET', { id: 2, name: 'Read' }],
  ['HEAD', { id: 2, name: 'Read' }],
  ['PUT', { id: 3, name: 'Update' }],
  ['PATCH', { id: 3, name: 'Update' }],
  ['DELETE', { id: 4, name: 'Delete' }],
])
const methods = new Set(['CONNECT', 'DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT', 'TRACE'])
const ALERT = 7
const NAMED = 5
const unmapped = [
  'door method upstream_http_version stream decision state cache finish_reason upstream_id added_ms duration_ms',
  'input_tokens cached_tokens cache_write_tokens output_tokens reasoning_tokens cost_usd tools attestation',
  'request_spill response_spill request_sha256 response_sha256 request_truncated response_truncated erased body_key',
].join(' ')
