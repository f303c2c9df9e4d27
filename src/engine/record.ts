import { SallyportError } from '../core/errors.ts'
import type { ExchangeDone, ExchangeOpen, ExchangeState } from '../audit/rows.ts'
import type { Rooms } from './exchange.ts'
import type { Trace } from './trace.ts'

/** Commits the row of an exchange that is about to be forwarded; when the ledger cannot, policy of the operator decides. */
export async function openRow(rooms: Rooms, trace: Trace): Promise<void> {
  try {
    await rooms.recorder.open(openOf(trace))
    trace.opened = true
    // The row has it: it is neither held nor written again.
    trace.requestContent = { ...trace.requestContent, requestBody: null, requestContent: null }
  } catch (cause) {
    if (rooms.whenUnavailable === 'allow') {
      rooms.recorder.forwarded()
      rooms.metrics.ledgerUnrecorded.inc()
      return rooms.log.warn({ exchange: trace.exchange.id, err: cause }, 'forwarded without a row')
    }
    rooms.metrics.ledgerRefusals.inc()
    throw cause instanceof SallyportError
      ? cause
      : new SallyportError('ledger_unavailable', 'the ledger cannot be written', { cause })
  }
}

/** Finishes the row, or writes it at once when the exchange never was forwarded; and counts. */
export function closeRow(rooms: Rooms, trace: Trace, state: Exclude<ExchangeState, 'open' | 'lost'>): void {
  trace.requestLease.end()
  trace.answerLease.end()
  const done = doneOf(trace, state)
  if (trace.opened) rooms.recorder.done(done)
  else rooms.recorder.once(openOf(trace), done)
  count(rooms, trace)
}

function openOf(trace: Trace): ExchangeOpen {
  const { exchange, identified, request } = trace
  const { head } = exchange.request
  return {
    id: exchange.id,
    at: trace.at.toISOString(),
    door: exchange.door,
    clientIp: exchange.clientIp,
    principal: exchange.principal,
    process: exchange.asker?.program() ?? null,
    host: head.target.host,
    port: head.target.port,
    method: head.method,
    path: pathOf(trace) + maskedQuery(head.target.query),
    httpVersion: head.version,
    provider: identified.provider.name,
    operation: identified.operation,
    model: hidden(request.model, trace.found),
    stream: request.stream,
    policy: trace.policy.digest,
    connectionId: exchange.connectionId,
    traceId: null,
    ...trace.requestContent,
  }
}

function doneOf(trace: Trace, state: 'done' | 'aborted'): ExchangeDone {
  const { answer, exchange } = trace
  const { usage } = answer
  const or = (count: number | undefined): number | null => (Number.isSafeInteger(count) ? count! : null)
  return {
    id: exchange.id,
    upstreamHttpVersion: trace.upstreamVersion,
    status: trace.status,
    decision: trace.decision,
    rule: trace.rule,
    findings: trace.findings.length === 0 ? '[]' : JSON.stringify(trace.findings),
    hooks: trace.hooks.length === 0 ? '[]' : JSON.stringify(trace.hooks),
    responseBytes: trace.responseBytes,
    firstByteMs: trace.firstByteMs,
    durationMs: round(performance.now() - trace.startedAt),
    addedMs: round(trace.addedMs),
    inputTokens: or(usage.input),
    cachedTokens: or(usage.cachedInput),
    cacheWriteTokens: or(usage.cacheWrite),
    outputTokens: or(usage.output),
    reasoningTokens: or(usage.reasoning),
    costUsd: null,
    finishReason: answer.finishReason,
    upstreamId: answer.upstreamId,
    cache: null,
    tools: toolsOf(trace),
    responseBody: trace.responseContent.inline,
    responseSpill: trace.responseContent.spill,
    responseContent: trace.responseContent.content,
    responseSha256: trace.responseContent.sha256,
    responseTruncated: trace.responseContent.truncated,
    state,
    attestation: exchange.attestation === undefined ? trace.attestation : exchange.attestation(trace.attestation),
    requestBytes: trace.requestBytes,
    requestBody: trace.requestContent.requestBody,
    requestSpill: trace.requestContent.requestSpill,
    requestContent: trace.requestContent.requestContent,
    requestSha256: trace.requestContent.requestSha256,
    requestTruncated: trace.requestContent.requestTruncated,
    error: errorOf(trace),
    process: trace.exchange.asker?.program() ?? null,
    model: hidden(trace.request.model ?? answer.model, trace.found),
    stream: trace.request.stream,
  }
}

function errorOf({ error, notInspected, requestNotKept, responseContent }: Trace): string | null {
  const unread = notInspected === null ? null : `not_inspected: ${notInspected}`
  return [error, unread, requestNotKept, responseContent.error].filter(Boolean).join('; ') || null
}

function toolsOf({ request, answer, found }: Trace): string | null {
  if (request.tools.length === 0 && answer.toolCalls.length === 0) return null
  const named = (names: readonly string[]): (string | null)[] => names.map((name) => hidden(name, found))
  return JSON.stringify({ offered: named(request.tools), called: named(answer.toolCalls) })
}

function count(rooms: Rooms, trace: Trace): void {
  const { metrics } = rooms
  const { door } = trace.exchange
  const provider = trace.identified.provider.name
  metrics.exchanges(door, provider, trace.decision, `${Math.floor((trace.status ?? 0) / 100)}xx`).inc()
  metrics.bytes('up').inc(trace.requestBytes)
  metrics.bytes('down').inc(trace.responseBytes)
  metrics.added(door).observe(trace.addedMs / 1_000)
  if (trace.firstByteMs !== null) metrics.firstByte(door).observe(trace.firstByteMs / 1_000)
  for (const [bucket, tokens] of Object.entries(trace.answer.usage))
    if (tokens > 0) metrics.tokens(provider, bucket).inc(tokens)
}

/** The path without the segments in which policy found something. */
function pathOf({ exchange, findings }: Trace): string {
  const { path } = exchange.request.head.target
  const places = findings.filter(({ stage, place }) => stage === 'request' && place.startsWith('path['))
  if (places.length === 0) return path
  const told = new Set(places.map(({ place }) => Number(place.slice(5, -1)) + 1))
  return path
    .split('/')
    .map((segment, i) => (told.has(i) ? '***' : segment))
    .join('/')
}

/** A name as it may stand in a column: without what policy found in the request. */
function hidden(name: string | null, found: readonly string[]): string | null {
  if (name === null || found.length === 0) return name
  return found.reduce((text, value) => (value === '' ? text : text.replaceAll(value, '[REDACTED]')), name)
}

/** The query with every value hidden: keys travel there (`?key=…`). What has no plain name is a value too. */
export function maskedQuery(query: string): string {
  return query.replace(/([?&;])([^=&;]*)(=[^&;]*)?/g, (_, mark: string, name: string, value?: string) => {
    if (name === '' && value === undefined) return mark
    return value !== undefined && /^[A-Za-z_.$[\]-]{1,32}$/.test(name) ? `${mark}${name}=***` : `${mark}***`
  })
}

const round = (ms: number): number => Math.round(ms * 1_000) / 1_000
