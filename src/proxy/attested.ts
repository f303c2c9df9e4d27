import { authorityOf } from '../attest/authority.ts'
import type { Verdict } from '../attest/outcome.ts'
import type { RawHeaders } from '../core/http.ts'
import type { Exchange } from '../engine/exchange.ts'
import type { Incoming } from '../http/incoming.ts'
import type { Metrics } from '../metrics/metrics.ts'
import type { Handling } from '../policy/intercept.ts'
import type { Connection, Tunnel } from './context.ts'
import type { Decision } from './decide.ts'
import type { ProxyParts } from './parts.ts'
import type { Authority } from './target.ts'

/** What became of the attestation of a CONNECT; undefined where none is accepted, and then nobody has looked. Only `valid` changes anything. */
export async function attestedConnect(
  { attestation, metrics }: ProxyParts,
  about: {
    readonly handling: Handling
    readonly headers: RawHeaders
    readonly authority: Authority
    readonly clientIp: string
  },
): Promise<Verdict | undefined> {
  const terms = attestation?.terms(about.handling)
  if (attestation === undefined || terms === undefined) return undefined
  const { headers, clientIp } = about
  const authority = authorityOf(about.authority.host, about.authority.port)
  return counted(metrics, await attestation.verifier.connect({ headers, clientIp, terms, authority }))
}

/**
 * What is done with an attested connection once its ClientHello has been seen. The attestation speaks for the host of the CONNECT alone: under
 * another name nothing may pass that would not without it.
 */
export function decideAttested(host: string, device: string, otherwise: (sni: string) => Decision) {
  return (sni: string | null): Decision => {
    const passes: Decision = { kind: 'tunnel', reason: `attested by ${device}` }
    if (sni === null || sni === host) return passes
    const decision = otherwise(sni)
    return decision.kind === 'tunnel' ? passes : { kind: 'deny', reason: 'mismatch' }
  }
}

/** How a request inside an inspected connection may prove that it was inspected already; undefined where it is not asked. */
export function requestProof(
  { attestation, metrics, rooms }: ProxyParts,
  { headers, context: { clientIp } }: Pick<Incoming<Connection>, 'headers' | 'context'>,
  { host, port, principal, attestation: before }: Tunnel,
): Exchange['attest'] {
  if (attestation?.inside() !== true) return undefined
  const terms = attestation.terms(rooms.policy().intercept({ host, port, clientIp, principal }))
  if (terms?.nexus !== true) return undefined
  // Who was chosen to be inspected anyway is: another proof would only draw lots again.
  if (before === 'reinspected') return async () => ({ proved: false, record: null })
  return async (sha256) => {
    const verdict = await attestation.verifier.request({ headers, clientIp, terms, bodyHash: sha256 })
    // Its connection's row tells already what came with the CONNECT.
    if (verdict.outcome === 'missing' && before !== undefined && before !== 'missing')
      return { proved: false, record: null }
    counted(metrics, verdict)
    return { proved: verdict.outcome === 'valid', record: JSON.stringify(verdict) }
  }
}

function counted(metrics: Metrics, verdict: Verdict): Verdict {
  metrics.attestations(verdict.outcome, verdict.form ?? 'none').inc()
  return verdict
}
