import type { ErrorCode } from '../core/errors.ts'
import { noAnswerFacts } from '../core/chat.ts'
import type { AnswerFacts, RequestFacts } from '../core/chat.ts'
import type { Action, Finding, HookRun } from '../core/verdict.ts'
import { stricter } from '../core/verdict.ts'
import type { RequestContent } from '../audit/rows.ts'
import type { Lease } from '../http/budget.ts'
import type { Inspection } from '../inspect/binding.ts'
import type { ExchangeFacts } from '../inspect/hook.ts'
import { findingLabel } from '../metrics/metrics.ts'
import type { PolicySet } from '../policy/compile.ts'
import { identify } from '../providers/identify.ts'
import type { Identified } from '../providers/identify.ts'
import type { Exchange, Rooms } from './exchange.ts'

/** What is learnt of an exchange on its way; becomes its row. */
export type Trace = {
  readonly exchange: Exchange
  readonly identified: Identified
  readonly policy: PolicySet
  readonly at: Date
  /** performance.now() at the start. */
  readonly startedAt: number
  /** What its bodies take of the memory for bodies. */
  readonly requestLease: Lease
  readonly answerLease: Lease
  request: RequestFacts
  answer: AnswerFacts
  decision: Action | 'error' | 'attested'
  /** What came of the proof that it had been inspected already: JSON. */
  attestation: string | null
  rule: string | null
  findings: Finding[]
  hooks: HookRun[]
  /** Values that policy found in the request: an answer that quotes them must not be stored with them. */
  found: readonly string[]
  error: ErrorCode | null
  notInspected: string | null
  opened: boolean
  requestContent: RequestContent
  responseContent: Stored
  /** Why the request is not stored although it should be. */
  requestNotKept: string | null
  /** Ends the keeping of bodies that pass unread. */
  readonly unread: (() => Promise<void>)[]
  requestBytes: number
  responseBytes: number
  status: number | null
  upstreamVersion: string | null
  firstByteMs: number | null
  addedMs: number
}

/** What a body keeper answers. */
export type Stored = {
  readonly inline: string | null
  readonly spill: string | null
  readonly content?: Uint8Array
  readonly sha256: string | null
  readonly truncated: boolean
  readonly error?: string | null
}

export function startTrace(rooms: Rooms, exchange: Exchange): Trace {
  const { target, method } = exchange.request.head
  return {
    exchange,
    identified: identify(target, method),
    policy: rooms.policy(),
    at: new Date(),
    startedAt: performance.now(),
    requestLease: rooms.budget.lease(exchange.signal),
    answerLease: rooms.budget.lease(exchange.signal),
    request: { model: null, stream: false, messages: 0, tools: [] },
    answer: noAnswerFacts,
    decision: 'allow',
    attestation: null,
    rule: null,
    findings: [],
    hooks: [],
    found: [],
    error: null,
    notInspected: null,
    opened: false,
    requestContent: {
      requestBytes: 0,
      requestBody: null,
      requestSpill: null,
      requestSha256: null,
      requestTruncated: false,
    },
    responseContent: nothingStored,
    requestNotKept: null,
    unread: [],
    requestBytes: 0,
    responseBytes: 0,
    status: null,
    upstreamVersion: null,
    firstByteMs: null,
    addedMs: 0,
  }
}

/** The facts that policy rules match on. */
export function factsOf(trace: Trace): ExchangeFacts {
  const { exchange, identified, request } = trace
  const { target, method } = exchange.request.head
  return {
    door: exchange.door,
    clientIp: exchange.clientIp,
    principal: exchange.principal,
    host: target.host,
    port: String(target.port),
    path: target.path,
    method,
    provider: identified.provider.name,
    operation: identified.operation,
    model: request.model,
  }
}

/** Adds what one stage found. */
export function note(rooms: Rooms, trace: Trace, inspection: Omit<Inspection, 'edits' | 'storeEdits'>): void {
  trace.findings.push(...inspection.findings)
  trace.hooks.push(...inspection.hooks)
  const { decision } = trace
  if (decision !== 'error' && decision !== 'attested' && stricter(inspection.decision, decision)) {
    trace.decision = inspection.decision
    trace.rule = inspection.rule
  }
  for (const run of inspection.hooks) {
    rooms.metrics.hookTime(run.hook, run.stage).observe(run.microseconds / 1e6)
    if (run.verdict === 'error') rooms.metrics.hookErrors.inc({ hook: run.hook })
  }
  for (const { type, action } of inspection.findings) rooms.metrics.findings(findingLabel(type), action).inc()
  const { restored, unrestored } = inspection
  if (restored > 0) rooms.metrics.restored.inc({ outcome: 'restored' }, restored)
  if (unrestored > 0) rooms.metrics.restored.inc({ outcome: 'unknown' }, unrestored)
  if (inspection.failed !== null) {
    rooms.log.warn(
      { exchange: trace.exchange.id, hook: inspection.failed.hook, err: inspection.failed.cause },
      'hook failed',
    )
  }
}

export const nothingStored: Stored = { inline: null, spill: null, sha256: null, truncated: false }
