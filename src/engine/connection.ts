import type { ConnectionRow } from '../audit/rows.ts'
import { SallyportError } from '../core/errors.ts'
import type { Inspection } from '../inspect/binding.ts'
import type { ExchangeFacts } from '../inspect/hook.ts'
import { inspectParts } from '../inspect/pipeline.ts'
import { findingLabel } from '../metrics/metrics.ts'
import type { PolicySet } from '../policy/compile.ts'
import type { Rooms } from './exchange.ts'
import { tenantOf } from './request.ts'

export type { ConnectionRow }

/** Records a connection that has ended: the only way for a door to write one. */
export function recordConnection(rooms: Rooms, door: 'proxy' | 'gateway', row: ConnectionRow): void {
  rooms.recorder.connection(row)
  rooms.metrics.connections.inc({ door, handling: row.handling })
}

/** What is known of a connection before it is served. */
export type ConnectionAbout = {
  readonly id: string
  readonly door: 'proxy' | 'gateway'
  readonly clientIp: string
  readonly principal: string | null
  readonly host: string
  readonly port: number
  /** It would be relayed as it is: no rule would look at what is in it. */
  readonly unread: boolean
}

/** Asks the rules that are for connections. Rejects with the reason when one refuses; undefined where there is none to ask. */
export function judgeConnection(rooms: Rooms, policy: PolicySet, about: ConnectionAbout): Promise<void> | undefined {
  const facts: ExchangeFacts = { ...nothingElse, ...about, port: String(about.port) }
  const bindings = policy.bindingsFor(facts, about.unread ? 'tunnel' : 'connection')
  if (bindings.length === 0) return undefined
  const how = {
    mode: policy.mode,
    vault: rooms.vault(tenantOf({ exchange: about })),
    now: process.hrtime.bigint,
    signal: new AbortController().signal,
  }
  const inspected = inspectParts(bindings, { stage: 'connection', parts: [], bodyBytes: 0, facts }, how)
  return Promise.resolve(inspected).then((inspection) => {
    count(rooms, about, inspection)
    if (inspection.decision === 'block' && policy.mode === 'enforce') throw refused(inspection)
  })
}

function count(rooms: Rooms, { id }: ConnectionAbout, { hooks, findings, failed }: Inspection): void {
  for (const run of hooks) {
    rooms.metrics.hookTime(run.hook, run.stage).observe(run.microseconds / 1e6)
    if (run.verdict === 'error') rooms.metrics.hookErrors.inc({ hook: run.hook })
  }
  for (const { type, action, policyRule } of findings) {
    rooms.metrics.findings(findingLabel(type), action).inc()
    rooms.log.warn({ connection: id, rule: policyRule, type, action }, 'a rule has found something in a connection')
  }
  if (failed !== null) rooms.log.warn({ connection: id, hook: failed.hook, err: failed.cause }, 'hook failed')
}

function refused({ rule, failed, retryAfterSeconds }: Inspection): SallyportError {
  if (failed !== null) return new SallyportError('hook_failed', `the check "${rule ?? failed.hook}" could not run`)
  if (retryAfterSeconds !== null)
    return new SallyportError('rate_limited', `over the limit of the policy rule "${rule}"`, { retryAfterSeconds })
  return new SallyportError('policy_denied', `refused by the policy rule "${rule ?? 'unnamed'}"`)
}

const nothingElse = { path: null, method: null, provider: null, operation: null, model: null } as const
