import { SallyportError } from '../core/errors.ts'
import type { RawHeaders, Target } from '../core/http.ts'
import { headerOf } from '../core/http.ts'
import { refuse } from '../engine/run.ts'
import type { Incoming } from '../http/incoming.ts'
import { withHeader } from '../http/headers.ts'
import type { Destination } from './conntrack.ts'
import type { Connection } from './context.ts'
import { decidePlain, exchangeOf, forwarded, hostField } from './exchange.ts'
import type { ProxyParts } from './parts.ts'
import { parseAbsolute, splitPath, withPort } from './target.ts'
import type { Authority } from './target.ts'
import { unreadExchange } from './unread.ts'

/** A request on a redirected connection of plain HTTP: each goes to the host that it names itself. */
export async function redirectedExchange(parts: ProxyParts, incoming: Incoming<Connection>): Promise<void> {
  incoming.context.exchanges += 1
  const { at, headers, fault } = redirectedTarget(parts, incoming)
  const addressed = { ...incoming, headers }
  const exchange = exchangeOf(addressed, at, null)
  if (fault !== undefined) return refuse(parts.rooms, exchange, fault)
  const decision = await decidePlain(parts, exchange)
  if (decision instanceof SallyportError) return refuse(parts.rooms, exchange, decision)
  if (decision.kind === 'inspect') return forwarded(parts, addressed, exchange)
  return unreadExchange(parts, addressed, exchange, decision.reason)
}

export type RedirectedTarget = {
  readonly at: Target
  /** Those of the request, with a Host where it had none. */
  readonly headers: RawHeaders
  readonly fault?: SallyportError
}

/** Where it goes: the host that it names, and the port that the client dialled. Without a name policy has the say. */
export function redirectedTarget(parts: ProxyParts, incoming: Incoming<Connection>): RedirectedTarget {
  const { context, headers, target } = incoming
  const to = context.redirected?.to
  const absolute = parseAbsolute(target)
  const { path, query } = absolute ?? splitPath(target)
  const going = ({ host, port }: Authority): Target => ({ scheme: 'http', host, port, path, query })
  const refusing = (
    code: 'malformed_request' | 'misdirected_request',
    why: string,
    at: Authority,
  ): RedirectedTarget => ({
    at: going(at),
    headers,
    fault: new SallyportError(code, why),
  })
  const dialled = { host: to?.address ?? '', port: to?.port ?? 80 }
  if (absolute?.scheme === 'https' || (absolute === undefined && !/^(\/|\*$)/.test(target)))
    return refusing('malformed_request', 'the target is neither a path nor a URL of http', absolute ?? dialled)
  const { mismatch, unnamed } = parts.rooms.policy()
  const named = absolute ?? namedBy(headers, to)
  if (named === 'nobody') {
    if (unnamed === 'deny' || to === undefined) return refusing('malformed_request', 'it names no host', dialled)
    return { at: going(dialled), headers: withHeader(headers, 'Host', hostField({ ...dialled, scheme: 'http' })) }
  }
  if (named === 'no host') return refusing('malformed_request', 'Host is not a host', dialled)
  const at = { host: named.host, port: to?.port ?? named.port }
  if (at.port !== named.port && mismatch === 'deny')
    return refusing('misdirected_request', `this connection is for port ${at.port}`, named)
  // An absolute target wins over Host (RFC 9112, 3.2.2): policy and origin must mean the same host.
  return {
    at: going(at),
    headers: absolute === undefined ? headers : withHeader(headers, 'Host', hostField(going(at))),
  }
}

/** The host and port of the Host field; without a port of its own it means the one that the client dialled. */
function namedBy(headers: RawHeaders, to: Destination | undefined): Authority | 'nobody' | 'no host' {
  const host = headerOf(headers, 'host') ?? ''
  if (host === '') return 'nobody'
  const named = withPort(host, 'http')
  if (named === undefined) return 'no host'
  return /:\d+$/.test(host) ? named : { ...named, port: to?.port ?? named.port }
}
