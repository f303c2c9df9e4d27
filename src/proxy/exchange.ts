import { asSallyportError, SallyportError } from '../core/errors.ts'
import type { RawHeaders, Request, Target } from '../core/http.ts'
import { headerOf, withoutHeaders } from '../core/http.ts'
import { newExchangeId } from '../core/ids.ts'
import { judgeConnection } from '../engine/connection.ts'
import type { Exchange } from '../engine/exchange.ts'
import { refuse, run } from '../engine/run.ts'
import type { Incoming } from '../http/incoming.ts'
import { withHeader } from '../http/headers.ts'
import { bracketed } from '../upstream/origin.ts'
import { bothAttestations, carriers } from '../upstream/stamps.ts'
import { asking } from './asking.ts'
import { requestProof } from './attested.ts'
import type { Connection, Tunnel } from './context.ts'
import { decide, refusedHost } from './decide.ts'
import type { Decision } from './decide.ts'
import type { ProxyParts } from './parts.ts'
import { canonicalHost, parseAbsolute, splitPath, withPort } from './target.ts'
import { unreadExchange } from './unread.ts'
import { viaAfter, viaOf } from './via.ts'

/** A request inside a CONNECT: it goes where the CONNECT went, and its own idea of the host has to agree. */
export async function tunnelExchange(parts: ProxyParts, incoming: Incoming<Connection>): Promise<void> {
  const tunnel = incoming.context.tunnel as Tunnel
  incoming.context.exchanges += 1
  const target = innerTarget(incoming, tunnel)
  const exchange = exchangeOf(incoming, { ...tunnel, ...target.at }, tunnel.principal)
  if (target.fault !== undefined) return refuse(parts.rooms, exchange, target.fault)
  const mismatch = mismatched(parts, incoming, tunnel)
  if (mismatch !== undefined) return refuse(parts.rooms, exchange, mismatch)
  const attest = requestProof(parts, incoming, tunnel)
  return forwarded(parts, incoming, attest === undefined ? exchange : { ...exchange, attest })
}

/** Runs an exchange through the spine, with the origin at its end. */
export async function forwarded(parts: ProxyParts, incoming: Incoming<Connection>, asked: Exchange): Promise<void> {
  const { exchange, carried } = stamped(asked)
  const sending = { signal: incoming.signal, inform: incoming.inform, carried, via: viaOf(parts, incoming) }
  const { head, body } = exchange.request
  if (!incoming.expectsContinue || body === null) {
    return run(parts.rooms, exchange, (request, policy) => parts.upstream.send(request, { ...sending, policy }))
  }
  const { ask, forward, drop } = asking({ head, body }, sending, parts.upstream.send)
  try {
    await run(parts.rooms, { ...exchange, ask }, forward)
  } finally {
    drop()
  }
}

/** The exchange, whose row tells of the stamp of the connection that it goes over. */
export function stamped(exchange: Exchange): { readonly exchange: Exchange; readonly carried: Carried } {
  const { carried, told } = carriers()
  const attestation = (received: string | null): string | null => bothAttestations(received, told())
  return { exchange: { ...exchange, attestation }, carried }
}

type Carried = ReturnType<typeof carriers>['carried']

/** The exchange of a request for a target. */
export function exchangeOf(incoming: Incoming<Connection>, target: Target, principal: string | null): Exchange {
  const { method, version, context } = incoming
  // HTTP/1.0 knows no expectations (RFC 9110, 10.1.1).
  const headers = version === '1.0' ? withoutHeaders(incoming.headers, expect) : incoming.headers
  const hosted =
    incoming.authority === undefined || headerOf(headers, 'host') !== undefined
      ? headers
      : ['host', incoming.authority, ...headers]
  const request: Request = { head: { method, target, headers: hosted, version }, body: incoming.body }
  return {
    id: newExchangeId(Date.now()),
    door: 'proxy',
    clientIp: context.clientIp,
    principal,
    connectionId: context.id,
    request,
    signal: incoming.signal,
    reply: incoming.send,
    asker: context.asker?.(),
  }
}

type Inner = { readonly at: { readonly path: string; readonly query: string }; readonly fault?: SallyportError }

/** Origin form, or absolute form with the same authority (RFC 9112, 3.2). */
export function innerTarget(incoming: Incoming<Connection>, tunnel: Tunnel): Inner {
  const { target } = incoming
  if (target.startsWith('/') || target === '*') return { at: splitPath(target) }
  const absolute = parseAbsolute(target)
  if (absolute === undefined)
    return { at: { path: '/', query: '' }, fault: new SallyportError('malformed_request', 'the target is not a path') }
  const at = { path: absolute.path, query: absolute.query }
  const same = absolute.host === tunnel.host && absolute.port === tunnel.port && absolute.scheme === tunnel.scheme
  return same ? { at } : { at, fault: misdirected(tunnel) }
}

/** That Host or :authority does not name the CONNECT target, where policy minds; without a port it means the target's. */
export function mismatched(
  parts: ProxyParts,
  incoming: Incoming<Connection>,
  tunnel: Tunnel,
): SallyportError | undefined {
  const named = namedHost(incoming, tunnel)
  if (named === undefined) return undefined
  if (named.host === tunnel.host && (named.port === tunnel.port || !named.explicit)) return undefined
  return parts.rooms.policy().mismatch === 'deny' ? misdirected(tunnel) : undefined
}

function misdirected({ host, port }: Tunnel): SallyportError {
  return new SallyportError('misdirected_request', `this connection is for ${host}:${port}`)
}

function namedHost(
  incoming: Incoming<Connection>,
  tunnel: Tunnel,
): { host: string; port: number; explicit: boolean } | undefined {
  const text = incoming.authority ?? headerOf(incoming.headers, 'host')
  if (text === undefined || text === '') return undefined
  const named = withPort(text, tunnel.scheme)
  const explicit = /:\d+$/.test(text.replace(/^\[[^\]]*\]/, ''))
  return named === undefined ? { host: canonicalHost(text) ?? text, port: 0, explicit: true } : { ...named, explicit }
}

/** A request on the proxy's own port with an absolute target; its Host is written anew, because the target wins (RFC 9112, 3.2.2). */
export async function absoluteExchange(parts: ProxyParts, incoming: Incoming<Connection>): Promise<void> {
  const absolute = parseAbsolute(incoming.target)
  const { context } = incoming
  const at = absolute ?? { scheme: 'http' as const, host: '', port: 80, path: '/', query: '' }
  const hosted = { ...incoming, headers: withHeader(incoming.headers, 'Host', hostField(at)) }
  const anonymous = exchangeOf(hosted, at, null)
  context.exchanges += 1
  if (absolute === undefined)
    return refuse(
      parts.rooms,
      anonymous,
      new SallyportError('malformed_request', 'the target is not a URL of http or https'),
    )
  const exchange = await identified(parts, incoming, anonymous)
  if (exchange === undefined) return
  const decision = await decidePlain(parts, exchange)
  if (decision instanceof SallyportError) return refuse(parts.rooms, exchange, decision)
  if (decision.kind === 'inspect') return forwarded(parts, hosted, exchange)
  return unreadExchange(parts, hosted, exchange, decision.reason)
}

/** What to do with a request on the proxy's own port; the error when it is refused. */
export async function decidePlain(
  parts: ProxyParts,
  { id, request, clientIp, principal }: Exchange,
): Promise<Exclude<Decision, { kind: 'deny' }> | SallyportError> {
  const { host, port } = request.head.target
  if (parts.isSelf({ host, port })) return new SallyportError('loop_detected', 'this is Sallyport itself')
  const facts = { host, port, clientIp, principal, sni: undefined, rejectedLeaf: false }
  const policy = parts.rooms.policy()
  const decision = decide(policy, facts)
  if (decision.kind === 'deny') return refusedHost(host, decision.reason)
  const unread = decision.kind === 'tunnel'
  try {
    viaAfter(request.head.headers, parts.hop)
    await judgeConnection(parts.rooms, policy, { id, door: 'proxy', clientIp, principal, host, port, unread })
    return decision
  } catch (thrown) {
    return asSallyportError(thrown)
  }
}

/** The exchange of a request on the proxy's own port with its principal; undefined when there must be one and is none, which has then been answered. */
export async function identified(
  parts: ProxyParts,
  incoming: Incoming<Connection>,
  anonymous: Exchange,
): Promise<Exchange | undefined> {
  try {
    const { clientIp, secure } = incoming.context
    return { ...anonymous, principal: parts.identify(incoming.headers, clientIp, secure?.certificate) }
  } catch (thrown) {
    const error = asSallyportError(thrown)
    const reply: Exchange['reply'] = (answer) => incoming.send(answer, challengeFields(error))
    await refuse(parts.rooms, { ...anonymous, reply }, error)
    return undefined
  }
}

/** What goes with a refusal for want of credentials, or for too many wrong ones. */
export function challengeFields({ code, retryAfterSeconds }: SallyportError): RawHeaders {
  if (code === 'proxy_auth_required') return ['proxy-authenticate', 'Basic realm="sallyport", charset="UTF-8"']
  if (code === 'too_many_failures') return ['retry-after', '60']
  return retryAfterSeconds === undefined ? [] : ['retry-after', String(retryAfterSeconds)]
}

/** The Host field of a target. */
export function hostField({ host, port, scheme }: { host: string; port: number; scheme: 'http' | 'https' }): string {
  return port === (scheme === 'https' ? 443 : 80) ? bracketed(host) : `${bracketed(host)}:${port}`
}

const expect = new Set(['expect'])
