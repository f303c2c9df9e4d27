import { STATUS_CODES } from 'node:http'
import { asSallyportError, SallyportError } from '../core/errors.ts'
import type { HttpVersion, RawHeaders } from '../core/http.ts'
import { headerOf } from '../core/http.ts'
import { contentLength, valuesOf } from '../http/headers.ts'
import { judgeConnection } from '../engine/connection.ts'
import { lastWords } from '../http/linger.ts'
import type { Fault } from '../http/validate.ts'
import { attestedConnect, decideAttested } from './attested.ts'
import type { Connecting, Serve } from './connecting.ts'
import type { Connection } from './context.ts'
import { ledgerRecord } from './context.ts'
import { decide, refusedHost } from './decide.ts'
import { challengeFields } from './exchange.ts'
import { inspected } from './interception.ts'
import type { ProxyParts } from './parts.ts'
import { parseAuthority } from './target.ts'
import { relayed } from './tunnel.ts'
import { viaAfter } from './via.ts'

/**
 * A CONNECT, from its target to its end: decide, guard, peek, then intercept, relay or refuse. Leaves one `connections` row. `serve` takes
 * an intercepted connection on. `challenged`: it was refused for want of credentials, and the client may ask again on the same socket,
 * which is the caller's again.
 */
export async function handleConnect(
  parts: ProxyParts,
  outer: Connection,
  request: ConnectRequest,
  serve: Serve,
): Promise<'challenged' | undefined> {
  const { socket } = outer
  const record = ledgerRecord(parts.rooms, outer)
  let answered = false
  const establish = (): void => {
    answered = true
    socket.write('HTTP/1.1 200 Connection Established\r\n\r\n')
  }
  socket.on('error', () => undefined)
  if (request.head.length > 0) socket.unshift(request.head)
  try {
    await decided(request, { parts, outer, record, establish, serve })
  } catch (thrown) {
    const error = asSallyportError(thrown)
    if (error.code === 'internal_error') parts.log.error({ connection: outer.id, err: thrown }, 'connection failed')
    record.set({ handling: denials.has(error.code) ? 'deny' : 'failed', reason: error.message, error: error.code })
    const challenged = !answered && error.code === 'proxy_auth_required' && mayAskAgain(outer, request)
    if (challenged) socket.write(refusalOfConnect(error, 'keep-alive'))
    else if (answered) socket.destroy()
    else lastWords(socket, refusalOfConnect(error, 'close'))
    record.end()
    if (challenged) return 'challenged'
  }
}

export type ConnectRequest = {
  readonly target: string
  readonly headers: RawHeaders
  readonly version: HttpVersion
  /** Why it has to be refused whatever its target is. */
  readonly fault: Fault | undefined
  /** What came with it. */
  readonly head: Buffer
}

/**
 * Whether a refused CONNECT leaves a connection on which the next request can be told from the rest of this one. Bytes that came with it
 * were meant for the tunnel: to read them as a request would let whoever chose them speak to the proxy.
 */
function mayAskAgain({ challenges }: Connection, { headers, version, head }: ConnectRequest): boolean {
  if (version !== '1.1' || head.length > 0 || challenges >= maxChallenges) return false
  if (headerOf(headers, 'transfer-encoding') !== undefined || (contentLength(headers) ?? 0) > 0) return false
  return [...valuesOf(headers, 'connection'), ...valuesOf(headers, 'proxy-connection')].every(
    (some) => !/\bclose\b/i.test(some),
  )
}

/** Refuses by throwing; what policy does not refuse is relayed or served. */
async function decided(
  request: ConnectRequest,
  begun: Pick<Connecting, 'parts' | 'outer' | 'record' | 'establish' | 'serve'>,
): Promise<void> {
  const { parts, outer, record } = begun
  const { clientIp } = outer
  const authority = parseAuthority(request.target)
  if (authority !== undefined) record.set({ host: authority.host, port: authority.port })
  if (request.fault !== undefined) throw new SallyportError(request.fault.code, request.fault.message)
  if (authority === undefined) throw new SallyportError('malformed_request', 'the CONNECT target is not host:port')
  const principal = parts.identify(request.headers, clientIp, outer.secure?.certificate)
  record.set({ principal })
  if (parts.isSelf(authority)) throw new SallyportError('loop_detected', `${request.target} is Sallyport itself`)
  const via = viaAfter(request.headers, parts.hop)
  const policy = parts.rooms.policy()
  const handling = policy.intercept({ ...authority, clientIp, principal })
  const rejectedLeaf =
    handling.onRejectedLeaf === 'tunnel' && parts.rejections.tunnelUntil(clientIp, authority.host) !== undefined
  const facts = { ...authority, clientIp, principal, sni: undefined, rejectedLeaf }
  const decision = decide(policy, facts)
  record.set({ handling: decision.kind, reason: decision.reason })
  if (decision.kind === 'deny') throw refusedHost(authority.host, decision.reason)
  const verdict = await attestedConnect(parts, { handling, headers: request.headers, authority, clientIp })
  const device = verdict?.outcome === 'valid' ? verdict.device : null
  if (verdict !== undefined) record.set({ attestation: JSON.stringify(verdict) })
  if (device !== null) record.set({ handling: 'attested', reason: `attested by ${device}` })
  const passes = device !== null || decision.kind === 'tunnel'
  // Bytes that are no TLS are told too late: the client speaks first, and some never do.
  const unread = passes || policy.notTls === 'tunnel'
  const about = { id: outer.id, door: 'proxy', clientIp, principal, ...authority, unread } as const
  const judged = judgeConnection(parts.rooms, policy, about)
  if (judged !== undefined) await judged
  const bySni = (sni: string | null) => decide(policy, { ...facts, sni })
  const decideAgain = device === null ? bySni : decideAttested(authority.host, device, bySni)
  const connecting: Connecting = { ...begun, authority, principal, decideAgain, attestation: verdict?.outcome, via }
  if (passes) return relayed(connecting, () => inspected({ ...connecting, establish: () => undefined }))
  if (!parts.authority().permits(authority.host)) {
    throw new SallyportError('ca_not_permitted', `the CA may not vouch for ${authority.host}`)
  }
  await parts.guard(authority.host, authority.port).catch((error: unknown) => {
    // A name without an address is told in the caller's dialect, by the exchange that cannot be sent.
    if (!(error instanceof SallyportError) || error.code !== 'name_not_resolved') throw error
  })
  return inspected(connecting)
}

/** A refused CONNECT: one line of text. */
function refusalOfConnect(error: SallyportError, connection: 'close' | 'keep-alive'): string {
  const body = `${error.message}\n`
  const [name, value] = challengeFields(error)
  return (
    `HTTP/1.1 ${error.status} ${STATUS_CODES[error.status]}\r\nsallyport-error: ${error.code}\r\n` +
    (name === undefined ? '' : `${name}: ${value}\r\n`) +
    `content-type: text/plain; charset=utf-8\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: ${connection}\r\n\r\n${body}`
  )
}

const maxChallenges = 3

/** The codes of refusals, as against failures. */
export const denials: ReadonlySet<string> = new Set([
  'policy_denied',
  'address_not_allowed',
  'proxy_auth_required',
  'client_certificate_required',
  'too_many_failures',
  'client_not_allowed',
  'loop_detected',
  'rate_limited',
  'hook_failed',
])
