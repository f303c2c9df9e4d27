import { failedAct, isObject, objects, text } from './fields.ts'
import { type Severity as FindingSeverity, severities } from '../../core/verdict.ts'
import type { LedgerRow } from '../find/presented.ts'
import type { ExportRow } from '../sinks/sink.ts'

/** How much a row matters, 0 to 10, as CEF counts it: up to 3 low, up to 6 medium, up to 8 high, 9 and 10 very high. */
export function severityOf({ table, row }: ExportRow): number {
  switch (table) {
    case 'exchanges':
      return Math.max(exchangeSeverity(row), attestationSeverity(row))
    case 'connections':
      return Math.max(ofHandling[text(row, 'handling') ?? ''] ?? OTHER, attestationSeverity(row))
    case 'events':
      return eventSeverity(text(row, 'what') ?? '')
    case 'checkpoints':
      return 1
  }
}

/** The same as a word. */
export function levelOf(severity: number): FindingSeverity {
  return severities[severity < 2 ? 0 : severity < 4 ? 1 : severity < 7 ? 2 : severity < 9 ? 3 : 4] as FindingSeverity
}

/** The same as syslog counts (RFC 5424, 6.2.1): 2 critical, 3 error, 4 warning, 5 notice, 6 informational. */
export function syslogSeverityOf(severity: number): number {
  return 6 - severities.indexOf(levelOf(severity))
}

/** The worst of what was found in an exchange; undefined when nothing was. */
export function worstFinding(row: LedgerRow): FindingSeverity | undefined {
  const found = new Set(objects(row, 'findings').map((finding) => text(finding, 'severity') ?? 'medium'))
  return severities.toReversed().find((severity) => found.has(severity))
}

function exchangeSeverity(row: LedgerRow): number {
  const decided = text(row, 'decision')
  const own = text(row, 'state') === 'lost' ? LOST : (ofDecision[decided ?? ''] ?? OTHER)
  const worst = worstFinding(row)
  if (worst === undefined) return own
  const wentOn = objects(row, 'findings').some(
    ({ action, severity }) => severity === worst && (action === 'allow' || action === 'flag'),
  )
  return Math.max(own, (wentOn && decided !== 'block' ? ofFindingLeft : ofFindingStopped)[worst])
}

function attestationSeverity({ attestation }: LedgerRow): number {
  return isObject(attestation) ? (ofAttestation[text(attestation, 'outcome') ?? ''] ?? 0) : 0
}

function eventSeverity(what: string): number {
  const known = ofEvent.find(([beginning]) => what.startsWith(beginning))?.[1] ?? OTHER
  return known < FAILED_ACT && failedAct(what) && !what.startsWith('program.') ? FAILED_ACT : known
}

const ofDecision: Readonly<Record<string, number>> = {
  allow: 1,
  attested: 1,
  tokenize: 3,
  redact: 3,
  flag: 4,
  error: 4,
  block: 5,
}
/** What was found was taken out, or the exchange was blocked. */
const ofFindingStopped = { info: 1, low: 2, medium: 3, high: 5, critical: 7 } as const satisfies Record<
  FindingSeverity,
  number
>
/** It went on. */
const ofFindingLeft = { info: 1, low: 3, medium: 5, high: 7, critical: 9 } as const satisfies Record<
  FindingSeverity,
  number
>
const ofHandling: Readonly<Record<string, number>> = {
  inspect: 1,
  attested: 1,
  tunnel: 2,
  failed: 3,
  'rejected-leaf': 4,
  deny: 5,
}
/** Someone forged, replayed or used what was taken away; or only made a mistake. */
const ofAttestation: Readonly<Record<string, number>> = {
  bad_signature: 7,
  replayed: 7,
  revoked: 7,
  unknown_device: 7,
  expired: 5,
  not_yet_valid: 5,
  malformed: 5,
  wrong_audience: 5,
  wrong_authority: 5,
  policy_not_accepted: 5,
  rate_limited: 5,
  unavailable: 5,
}
/** By the beginning of `what`; the first that fits. */
const ofEvent: readonly (readonly [beginning: string, severity: number])[] = [
  ['kill', 9],
  ['ledger.gap', 9],
  ['ledger.replaced', 9],
  ['ledger.orphans', 3],
  ['ledger.', 6],
  ['export.gap', 8],
  ['audit.verify.failed', 10],
  ['content.erase', 7],
  ['audit.', 5],
  ['retention.', 3],
  ['program.unclean', 5],
  ['program.', 3],
  ['worker.', 5],
  ['ca.', 6],
  ['key.', 6],
  ['device.', 6],
  ['operator.', 6],
  ['console.', 6],
  ['login', 3],
  ['policy.', 5],
  ['config.', 5],
]
const OTHER = 3
const LOST = 5
const FAILED_ACT = 7
