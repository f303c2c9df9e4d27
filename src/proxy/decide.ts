import { SallyportError } from '../core/errors.ts'
import type { PolicySet } from '../policy/compile.ts'

/** What to do with a connection, and why; the reason lands in its record. */
export type Decision =
  | { readonly kind: 'inspect'; readonly reason: string }
  | { readonly kind: 'tunnel'; readonly reason: string }
  | { readonly kind: 'deny'; readonly reason: string }

export type ConnectionFacts = {
  readonly host: string
  readonly port: number
  readonly clientIp: string
  readonly principal: string | null
  /** From the ClientHello: undefined before it was seen, null when it names nobody. */
  readonly sni: string | null | undefined
  /** This client refused our certificate for this host a short while ago, and policy lets such connections through. */
  readonly rejectedLeaf: boolean
}

/**
 * Decides from facts and policy alone. CONNECT host and SNI must agree (domain fronting); where policy lets them differ, the
 * stricter of both hosts' handling applies.
 */
export function decide(policy: Pick<PolicySet, 'intercept' | 'mismatch'>, facts: ConnectionFacts): Decision {
  const { host, port, clientIp, principal, sni } = facts
  const own = policy.intercept({ host, port, clientIp, principal })
  const byHost: Decision = { kind: own.action, reason: own.reason }
  if (sni === undefined || sni === null || sni === host) return softened(byHost, facts)
  if (policy.mismatch === 'deny') return { kind: 'deny', reason: 'mismatch' }
  const other = policy.intercept({ host: sni, port, clientIp, principal })
  return softened(
    strictness[other.action] > strictness[byHost.kind] ? { kind: other.action, reason: other.reason } : byHost,
    facts,
  )
}

/** What a client hears, and a row says, of a host that policy refuses; `policy replay` knows such rows by it. */
export function refusedHost(host: string, reason: string): SallyportError {
  return new SallyportError('policy_denied', `policy denies ${host}: ${reason}`)
}

function softened(decision: Decision, facts: ConnectionFacts): Decision {
  return decision.kind === 'inspect' && facts.rejectedLeaf
    ? { kind: 'tunnel', reason: 'client rejects the leaf' }
    : decision
}

const strictness = { tunnel: 0, inspect: 1, deny: 2 } as const
