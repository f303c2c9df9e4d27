import { headerOf } from '../core/http.ts'
import type { Target } from '../core/http.ts'
import { runMessages } from '../engine/messages.ts'
import { refuse } from '../engine/run.ts'
import { SallyportError } from '../core/errors.ts'
import { valuesOf, withHeader } from '../http/headers.ts'
import type { Incoming, Upgrade } from '../http/incoming.ts'
import type { Connection } from './context.ts'
import { decidePlain, exchangeOf, hostField, identified, innerTarget, mismatched, stamped } from './exchange.ts'
import type { ProxyParts } from './parts.ts'
import { redirectedTarget } from './redirected.ts'
import { parseAbsolute } from './target.ts'
import { unreadWebsocket } from './unread.ts'
import { viaOf } from './via.ts'

/** A WebSocket inside a CONNECT, on HTTP/1.1 or HTTP/2, or plain (`ws:`) through an absolute target. The origin decides whether to upgrade, and how. */
export async function websocket(parts: ProxyParts, upgrade: Upgrade<Connection>): Promise<void> {
  const { incoming, accept } = upgrade
  const { context } = incoming
  context.exchanges += 1
  const { tunnel, redirected } = context
  const { at, fault } = addressed(parts, incoming)
  const anonymous = exchangeOf(incoming, at, tunnel?.principal ?? null)
  if (fault !== undefined) return refuse(parts.rooms, anonymous, fault)
  const asks = tunnel === null && redirected === undefined
  const exchange = asks ? await identified(parts, incoming, anonymous) : anonymous
  if (exchange === undefined) return
  const mismatch = tunnel === null ? undefined : mismatched(parts, incoming, tunnel)
  if (mismatch !== undefined) return refuse(parts.rooms, exchange, mismatch)
  // An absolute target wins over Host (RFC 9112, 3.2.2): policy and origin must mean the same host.
  const { head } = exchange.request
  const headers = tunnel === null ? withHeader(head.headers, 'Host', hostField(at)) : head.headers
  const request = { head: { ...head, headers }, body: null }
  if (tunnel === null) {
    const decision = await decidePlain(parts, exchange)
    if (decision instanceof SallyportError) return refuse(parts.rooms, exchange, decision)
    if (decision.kind === 'tunnel') return unreadWebsocket(parts, upgrade, { ...exchange, request }, decision.reason)
  }
  const { exchange: told, carried } = stamped(exchange)
  const via = viaOf(parts, incoming)
  const open = (policy: string) => parts.upstream.upgrade(request, incoming.signal, { policy, carried, via })
  return runMessages(parts.rooms, told, open, accept)
}

/** Where an upgrade is to go: the path of a tunnel's host, or an absolute target. It has no body, which would be nobody's to read. */
function addressed(
  parts: ProxyParts,
  incoming: Incoming<Connection>,
): { readonly at: Target; readonly fault?: SallyportError } {
  const { headers, target } = incoming
  const malformed = (at: Target, why: string) => ({ at, fault: new SallyportError('malformed_request', why) })
  const inner = inside(parts, incoming)
  const at = inner === undefined ? parseAbsolute(target) : inner.at
  if (at === undefined) return malformed(nowhere, 'the target is not a URL of http or https')
  if (inner?.fault !== undefined) return { at, fault: inner.fault }
  if (target === '*') return malformed(at, 'the target is not a path')
  const lengths = valuesOf(headers, 'content-length')
  const bodied = headerOf(headers, 'transfer-encoding') !== undefined || lengths.some((length) => Number(length) !== 0)
  return bodied ? malformed(at, 'an upgrade has no body') : { at }
}

/** Where a request goes on a connection that says so itself: that of a CONNECT, or a redirected one. */
function inside(parts: ProxyParts, incoming: Incoming<Connection>) {
  const { tunnel, redirected } = incoming.context
  if (redirected !== undefined) return redirectedTarget(parts, incoming)
  if (tunnel === null) return undefined
  const { at, fault } = innerTarget(incoming, tunnel)
  return { at: { ...tunnel, ...at }, fault }
}

const nowhere: Target = { scheme: 'http', host: '', port: 80, path: '/', query: '' }
