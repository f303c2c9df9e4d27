import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { asSallyportError, SallyportError } from '../core/errors.ts'
import type { HttpVersion, RawHeaders } from '../core/http.ts'
import { headerOf } from '../core/http.ts'
import { recordConnection } from '../engine/connection.ts'
import { contentLength, valuesOf } from '../http/headers.ts'
import { lastWords } from '../http/linger.ts'
import type { Fault } from '../http/validate.ts'
import { relay } from '../upstream/relay.ts'
import { intercept, rejectedLeafAlert } from '../tls/intercept.ts'
import type { Interception } from '../tls/intercept.ts'
import type { Connection, ConnectionRecord, Tunnel } from './context.ts'
import { connectionRecord } from './context.ts'
import { decide } from './decide.ts'
import type { Decision } from './decide.ts'
import { challengeFields } from './exchange.ts'
import { firstBytes } from './peek.ts'
import type { FirstBytes } from './peek.ts'
import type { ProxyParts } from './parts.ts'
import { tcpOf } from './secure.ts'
import { parseAuthority } from './target.ts'
import type { Authority } from './target.ts'

/**
 * A CONNECT, from its target to its end: guard, peek, decide, then intercept, relay or refuse. Leaves one `connections` row.
 * `serve` takes an intercepted connection on. `challenged`: it was refused for want of credentials, and the client may ask again on the
 * same socket, which is the caller's again.
 */
export async function handleConnect(
  parts: ProxyParts,
  outer: Connection,
  request: ConnectRequest,
  head: Buffer,
  serve: (socket: Socket, connection: Connection, protocol: 'h2' | 'http/1.1') => void,
): Promise<'challenged' | undefined> {
  const { socket } = outer
  const record = connectionRecord(outer, (row) => recordConnection(parts.rooms, 'proxy', row))
  socket.on('error', () => undefined)
  if (head.length > 0) socket.unshift(head)
  try {
    await tunnelTo(parts, outer, request, record, serve)
  } catch (thrown) {
    const error = asSallyportError(thrown)
    if (error.code === 'internal_error') parts.log.error({ connection: outer.id, err: thrown }, 'connection failed')
    record.set({ handling: denials.has(error.code) ? 'deny' : 'failed', reason: error.message, error: error.code })
    const challenged =
      refusable.has(socket) && error.code === 'proxy_auth_required' && mayAskAgain(outer, request, head)
    if (challenged) socket.write(refusalOfConnect(error, 'keep-alive'))
    else if (refusable.has(socket)) lastWords(socket, refusalOfConnect(error, 'close'))
    else socket.destroy()
    refusable.delete(socket)
    record.end()
    if (challenged) return 'challenged'
  }
}

type ConnectRequest = {
  readonly target: string
  readonly headers: RawHeaders
  readonly version: HttpVersion
  /** Why it has to be refused whatever its target is. */
  readonly fault: Fault | undefined
}

/**
 * Whether a refused CONNECT leaves a connection on which the next request can be told from the rest of this one. Bytes that came with it
 * were meant for the tunnel: to read them as a request would let whoever chose them speak to the proxy.
 */
function mayAskAgain({ challenges }: Connection, { headers, version }: ConnectRequest, head: Buffer): boolean {
  if (version !== '1.1' || head.length > 0 || challenges >= maxChallenges) return false
  if (headerOf(headers, 'transfer-encoding') !== undefined || (contentLength(headers) ?? 0) > 0) return false
  return [...valuesOf(headers, 'connection'), ...valuesOf(headers, 'proxy-connection')].every(
    (some) => !/\bclose\b/i.test(some),
  )
}

async function tunnelTo(
  parts: ProxyParts,
  outer: Connection,
  request: ConnectRequest,
  record: ConnectionRecord,
  serve: (socket: Socket, connection: Connection, protocol: 'h2' | 'http/1.1') => void,
): Promise<void> {
  const { socket, clientIp } = outer
  refusable.add(socket)
  const authority = parseAuthority(request.target)
  if (authority !== undefined) record.set({ host: authority.host, port: authority.port })
  if (request.fault !== undefined) throw new SallyportError(request.fault.code, request.fault.message)
  if (authority === undefined) throw new SallyportError('malformed_request', 'the CONNECT target is not host:port')
  const principal = parts.identify(request.headers, clientIp, outer.secure?.certificate)
  record.set({ principal })
  if (parts.isSelf(authority)) throw new SallyportError('loop_detected', `${request.target} is Sallyport itself`)
  const policy = parts.rooms.policy()
  const rejectedLeaf =
    policy.intercept({ ...authority, clientIp, principal }).onRejectedLeaf === 'tunnel' &&
    parts.rejections.tunnelUntil(clientIp, authority.host) !== undefined
  const facts = { ...authority, clientIp, principal, sni: undefined, rejectedLeaf }
  const decision = decide(policy, facts)
  record.set({ handling: decision.kind, reason: decision.reason })
  if (decision.kind === 'deny')
    throw new SallyportError('policy_denied', `policy denies ${authority.host}: ${decision.reason}`)
  const inspected = { ...facts, decideAgain: (sni: string | null) => decide(policy, { ...facts, sni }) }
  if (decision.kind === 'tunnel') return relayed(parts, outer, authority, inspected, record)
  if (!parts.authority().permits(authority.host)) {
    throw new SallyportError('ca_not_permitted', `the CA may not vouch for ${authority.host}`)
  }
  await parts.guard(authority.host, authority.port).catch((error: unknown) => {
    // A name without an address is told in the caller's dialect, by the exchange that cannot be sent.
    if (!(error instanceof SallyportError) || error.code !== 'name_not_resolved') throw error
  })
  established(socket)
  const first = await firstBytes(socket, parts.handshakeTimeoutMs)
  const tunnel: Tunnel = { ...authority, scheme: 'https', principal }
  if (first.kind === 'hello')
    return intercepted(parts, { ...outer, tunnel }, first.sni ?? null, inspected, record, serve)
  return withoutTls(parts, { ...outer, tunnel: { ...tunnel, scheme: 'http' } }, authority, first, record, serve)
}

type Judged = { readonly decideAgain: (sni: string | null) => Decision }

async function intercepted(
  parts: ProxyParts,
  connection: Connection & { readonly tunnel: Tunnel },
  sni: string | null,
  judged: Judged,
  record: ConnectionRecord,
  serve: (socket: Socket, connection: Connection, protocol: 'h2' | 'http/1.1') => void,
): Promise<void> {
  const { socket, clientIp, tunnel } = connection
  record.set({ sni })
  const decision = judged.decideAgain(sni)
  if (decision.kind === 'deny') {
    record.set({ handling: 'deny', reason: decision.reason })
    lastWords(socket, unrecognizedName)
    return record.end()
  }
  const context = await parts.leaves.contextFor(sni ?? tunnel.host)
  const outcome = await intercept(socket, { context, alpn: ['h2', 'http/1.1'], timeoutMs: parts.handshakeTimeoutMs })
  if (outcome.kind === 'failed') return handshakeFailed(parts, outcome, { clientIp, host: tunnel.host }, record)
  record.set({ alpn: outcome.alpn ?? null })
  endsWith(connection, record, outcome.socket)
  outcome.socket.once('close', () => socket.destroy())
  outcome.socket.once('error', (error) => {
    // A TLS 1.3 client may refuse the leaf after its own Finished (RFC 8446, 4.4.2.4).
    const alert = rejectedLeafAlert(error)
    if (alert === undefined) return
    leafRejected(parts, { clientIp, host: tunnel.host })
    record.set({ handling: 'rejected-leaf', reason: `alert ${alert}` })
  })
  serve(outcome.socket, connection, outcome.alpn === 'h2' ? 'h2' : 'http/1.1')
}

/** An inspected connection's row is written when it ends; where its last request was unreadable, the row says so. */
function endsWith(connection: Connection, record: ConnectionRecord, socket = connection.socket): void {
  const ended = (): void => {
    const { refusal } = connection
    if (refusal !== undefined) record.set({ reason: refusal.message, error: refusal.code })
    record.end()
  }
  // HTTP/2 says only as its socket closes what was wrong with it.
  socket.once('close', () => process.nextTick(ended))
}

function handshakeFailed(
  parts: ProxyParts,
  failure: Extract<Interception, { kind: 'failed' }>,
  who: { clientIp: string; host: string },
  record: ConnectionRecord,
): void {
  const rejected = failure.cause === 'rejected-leaf'
  if (rejected) leafRejected(parts, who)
  record.set({
    handling: rejected ? 'rejected-leaf' : 'failed',
    reason: failure.alert === undefined ? `handshake: ${failure.cause}` : `alert ${failure.alert}`,
    error: failure.code,
  })
  record.end()
}

function leafRejected(parts: ProxyParts, who: { clientIp: string; host: string }): void {
  parts.metrics.rejectedLeaves.inc()
  parts.rejections.note(who.clientIp, who.host)
}

/** Inside a CONNECT to an inspected host: plain HTTP is served as such, anything else is policy's to allow. */
async function withoutTls(
  parts: ProxyParts,
  connection: Connection & { readonly tunnel: Tunnel },
  authority: Authority,
  first: FirstBytes,
  record: ConnectionRecord,
  serve: (socket: Socket, connection: Connection, protocol: 'h2' | 'http/1.1') => void,
): Promise<void> {
  const { socket } = connection
  if (first.kind === 'http') {
    endsWith(connection, record)
    serve(socket, connection, 'http/1.1')
    // Looking at the first bytes has paused it.
    socket.resume()
    return
  }
  if (first.kind === 'other' && parts.rooms.policy().notTls === 'tunnel') {
    record.set({ handling: 'tunnel', reason: 'not TLS' })
    return carry(parts, connection, await parts.connector.tcp(authority), record, first.held)
  }
  record.set({ handling: first.kind === 'other' ? 'deny' : 'failed', reason: wordsFor[first.kind] ?? first.kind })
  socket.destroy()
  record.end()
}

/** Relays a connection that policy does not inspect. SNI is read on the way, and must agree with the CONNECT host. */
async function relayed(
  parts: ProxyParts,
  outer: Connection,
  authority: Authority,
  judged: Judged,
  record: ConnectionRecord,
): Promise<void> {
  const origin = await parts.connector.tcp(authority)
  origin.on('error', () => undefined)
  established(outer.socket)
  const origins = originSpeaks(origin)
  const first = await firstBytes(outer.socket, tunnelSilenceMs, origins.spoke)
  origins.stop()
  if (first.kind === 'hello') {
    record.set({ sni: first.sni ?? null })
    const decision = judged.decideAgain(first.sni ?? null)
    if (decision.kind === 'deny') {
      record.set({ handling: 'deny', reason: decision.reason })
      origin.destroy()
      lastWords(outer.socket, unrecognizedName)
      return record.end()
    }
  }
  if (first.kind === 'invalid' && parts.rooms.policy().mismatch === 'deny') {
    // What cannot be read may name another host.
    record.set({ handling: 'deny', reason: wordsFor.invalid ?? null })
    origin.destroy()
    outer.socket.destroy()
    return record.end()
  }
  return carry(parts, outer, origin, record, first.kind === 'other' ? first.held : undefined)
}

async function carry(
  parts: ProxyParts,
  connection: Connection,
  origin: Socket,
  record: ConnectionRecord,
  held?: Buffer,
): Promise<void> {
  if (held !== undefined) origin.write(held)
  const { up, down, error } = await relay(connection.socket, origin, tcpOf(connection))
  parts.metrics.bytes('up').inc(up)
  parts.metrics.bytes('down').inc(down)
  record.set({ bytesUp: up + (held?.length ?? 0), bytesDown: down, error })
  record.end()
}

/** Where the server speaks first, there is no ClientHello to wait for. */
function originSpeaks(origin: Socket): { readonly spoke: Promise<void>; readonly stop: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>()
  const stop = (): void => {
    origin.off('data', heard).off('close', heard)
    origin.pause()
  }
  const heard = (chunk?: Buffer): void => {
    stop()
    if (Buffer.isBuffer(chunk)) origin.unshift(chunk)
    resolve()
  }
  origin.on('data', heard).on('close', heard)
  return { spoke: promise, stop }
}

function established(socket: Socket): void {
  refusable.delete(socket)
  socket.write('HTTP/1.1 200 Connection Established\r\n\r\n')
}

/** A refused CONNECT: one line of text (PRODUCT's table of answers). */
function refusalOfConnect(error: SallyportError, connection: 'close' | 'keep-alive'): string {
  const body = `${error.message}\n`
  const [name, value] = challengeFields(error.code)
  return (
    `HTTP/1.1 ${error.status} ${STATUS_CODES[error.status]}\r\nsallyport-error: ${error.code}\r\n` +
    (name === undefined ? '' : `${name}: ${value}\r\n`) +
    `content-type: text/plain; charset=utf-8\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: ${connection}\r\n\r\n${body}`
  )
}

/** Sockets whose CONNECT has not been answered yet. */
const refusable = new WeakSet<Socket>()
const maxChallenges = 3
const denials: ReadonlySet<string> = new Set([
  'policy_denied',
  'address_not_allowed',
  'proxy_auth_required',
  'client_certificate_required',
  'too_many_failures',
  'client_not_allowed',
  'loop_detected',
])
const wordsFor: Partial<Record<FirstBytes['kind'], string>> = {
  other: 'not TLS',
  closed: 'closed before a byte',
  silent: 'no byte in time',
  invalid: 'not a valid ClientHello',
}
// RFC 8446, 6: a fatal alert in a record of its own.
const unrecognizedName = Buffer.from([0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x70])
const tunnelSilenceMs = 30_000
