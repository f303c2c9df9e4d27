import { createServer } from 'node:net'
import type { Server, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { SallyportError } from '../core/errors.ts'
import type { RawHeaders } from '../core/http.ts'
import { newConnectionId } from '../core/ids.ts'
import { refuse } from '../engine/run.ts'
import { http1Server } from '../http/serve1.ts'
import { http2Server } from '../http/serve2.ts'
import type { Handlers, Incoming, RequestLine } from '../http/incoming.ts'
import { lastWords } from '../http/linger.ts'
import type { LingerTerms } from '../http/linger.ts'
import { refusalText } from '../http/refuse.ts'
import type { Fault } from '../http/validate.ts'
import { plainAddress } from '../lib/ip.ts'
import type { ServeTls } from '../tls/serve-tls.ts'
import { askerOf } from './asker.ts'
import { handleConnect } from './connect.ts'
import { ledgerRecord } from './context.ts'
import type { Connection } from './context.ts'
import { absoluteExchange, exchangeOf, tunnelExchange } from './exchange.ts'
import type { ProxyParts } from './parts.ts'
import { redirectedExchange } from './redirected.ts'
import { begun, tcpOf, turnedAway } from './secure.ts'
import { selfAnswer } from './self.ts'
import { servedConnections } from './served.ts'
import { endStalled } from './stalled.ts'
import { parseAbsolute, parseAuthority, splitPath } from './target.ts'
import { begunRedirected } from './transparent.ts'
import type { Transparent } from './transparent.ts'
import { websocket } from './websocket.ts'

export type ProxyDoor = {
  readonly server: Server
  /** Stops accepting, refuses new CONNECTs, and lets what is in flight finish. Resolves when all connections have ended. */
  readonly drain: () => Promise<void>
  /** Ends what is still there. */
  readonly destroy: () => void
}

/** The proxy door: takes connections, and hands each request to what it is for. `transparent`: its connections are redirected ones. */
export function proxyDoor(parts: ProxyParts, transparent?: Transparent): ProxyDoor {
  /** Each with what it is now: after a challenge a socket begins anew. */
  const open = new Map<Socket, Connection>()
  const served = servedConnections()
  const stalled = endStalled(() => open.keys(), parts.writeStallMs)
  let draining = false
  /** Those turned away who may still be reading why. */
  let leaving = 0
  const limits = {
    headerBytes: parts.headerBytes,
    headersTimeoutMs: 30_000,
    keepAliveTimeoutMs: 120_000,
    answerStallMs: parts.writeStallMs,
    streams: 250,
  }

  const handlers: Handlers<Connection> = {
    exchange: (incoming) => served.during(incoming.context, handleExchange(parts, incoming)),
    upgrade: (upgrade) => served.during(upgrade.incoming.context, websocket(parts, upgrade)),
    connect: (context, request, socket, head) => {
      if (context.tunnel !== null || context.redirected !== undefined)
        return refusedInside(parts, context, socket, request.target)
      context.exchanges += 1
      served.remove(context)
      if (draining) return refusedWhileDraining(parts, context, socket, request.target)
      void handleConnect(parts, context, { ...request, head }, serve).then(
        (end) => end === 'challenged' && anew(context),
      )
    },
    refused: (context, fault, request, cause) => refused(parts, context, fault, request, cause),
  }
  const h1 = http1Server(handlers, limits)
  const h2 = http2Server(handlers, limits)
  const serve = (socket: Duplex, context: Connection, protocol: 'h2' | 'http/1.1'): void => {
    if (protocol === 'h2') return h2.serve(socket, context)
    served.add(context, socket)
    h1.serve(socket, context)
  }

  const anew = (last: Connection): void => {
    if (last.socket.destroyed) return
    const connection = { ...connectionOf(last.socket, last.challenges + 1), asker: last.asker, secure: last.secure }
    open.set(tcpOf(last), connection)
    serve(last.socket, connection, 'http/1.1')
  }

  /** On a door that takes TLS too. */
  const beginning = async (connection: Connection, tls: ServeTls): Promise<void> => {
    served.add(connection, connection.socket)
    const time = { firstByteMs: limits.headersTimeoutMs, handshakeMs: parts.handshakeTimeoutMs }
    const ready = await begun(connection, tls, time)
    served.remove(connection)
    if (ready === undefined || ready.socket.destroyed) return
    open.set(tcpOf(ready), ready)
    serve(ready.socket, ready, 'http/1.1')
    ready.socket.resume()
  }

  const beginningRedirected = async (connection: Connection, redirects: Transparent): Promise<void> => {
    served.add(connection, connection.socket)
    const plain = await begunRedirected(parts, redirects, connection, serve, () => served.remove(connection))
    served.remove(connection)
    if (plain === undefined || plain.socket.destroyed) return
    open.set(plain.socket, plain)
    serve(plain.socket, plain, 'http/1.1')
    plain.socket.resume()
  }

  const server = createServer({ noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000 }, (socket) => {
    const asker = askerOf(parts.attribution, socket, transparent !== undefined)
    const connection = { ...connectionOf(socket), asker }
    socket.on('error', () => undefined)
    const denied = admission(parts, connection, transparent)
    if (denied !== undefined) {
      leaving += 1
      socket.once('close', () => (leaving -= 1))
      const linger = leaving > maxLeaving ? noLinger : shortLinger
      return turnAway(parts, connection, denied, linger, transparent !== undefined || parts.tls !== undefined)
    }
    open.set(socket, connection)
    parts.connections.open += 1
    parts.metrics.activeConnections.inc({ door: 'proxy' })
    socket.once('close', () => {
      const last = open.get(socket) ?? connection
      open.delete(socket)
      parts.connections.open -= 1
      parts.metrics.activeConnections.dec({ door: 'proxy' })
      if (last.refusal !== undefined || (last.exchanges === 0 && last.challenges === 0)) silent(parts, last)
    })
    if (transparent !== undefined) beginningRedirected(connection, transparent).catch(() => socket.destroy())
    else if (parts.tls === undefined) serve(socket, connection, 'http/1.1')
    else beginning(connection, parts.tls).catch(() => socket.destroy())
  })

  return {
    server,
    drain() {
      draining = true
      server.close()
      return new Promise((resolve) => {
        const look = (): void => {
          served.closeIdle()
          h2.close()
          if (open.size === 0) resolve()
          else setTimeout(look, 20).unref()
        }
        look()
      })
    },
    destroy() {
      stalled.stop()
      for (const socket of open.keys()) socket.destroy()
    },
  }
}

async function handleExchange(parts: ProxyParts, incoming: Incoming<Connection>): Promise<void> {
  if (incoming.context.tunnel !== null) return tunnelExchange(parts, incoming)
  if (incoming.context.redirected !== undefined) return redirectedExchange(parts, incoming)
  if (!incoming.target.startsWith('/')) return absoluteExchange(parts, incoming)
  incoming.context.exchanges += 1
  const scheme = incoming.context.secure === undefined ? 'http' : 'https'
  const { path } = splitPath(incoming.target)
  return incoming.send(selfAnswer(parts.pages, incoming.method, path, selfName(incoming), scheme))
}

/** How the client reached us; over TLS by the name that our certificate had to have. */
function selfName(incoming: Incoming<Connection>): string {
  const { socket, secure } = incoming.context
  const address = secure?.name ?? plainAddress(socket.localAddress ?? '127.0.0.1')
  return `${address.includes(':') ? `[${address}]` : address}:${socket.localPort ?? 3128}`
}

function connectionOf(socket: Socket, challenges = 0): Connection {
  const at = new Date()
  return {
    id: newConnectionId(at.getTime()),
    at,
    startedAt: performance.now(),
    clientIp: plainAddress(socket.remoteAddress ?? ''),
    socket,
    tunnel: null,
    challenges,
    exchanges: 0,
  }
}

function admission(
  parts: ProxyParts,
  { clientIp }: Connection,
  transparent: Transparent | undefined,
): SallyportError | undefined {
  // What is redirected on this machine comes from whichever of its addresses it would have left from.
  if (!parts.allowClient(clientIp) && transparent?.isLocal(clientIp) !== true)
    return new SallyportError('client_not_allowed', 'this client may not use the proxy')
  if (parts.connections.open >= parts.maxConnections)
    return new SallyportError('too_many_connections', 'too many connections')
  return undefined
}

function turnAway(
  parts: ProxyParts,
  connection: Connection,
  error: SallyportError,
  linger: LingerTerms,
  maySpeakTls: boolean,
): void {
  const record = ledgerRecord(parts.rooms, connection)
  record.set({ handling: 'deny', reason: error.message, error: error.code })
  record.end()
  const text = `HTTP/1.1 ${error.status} Refused\r\nsallyport-error: ${error.code}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`
  if (!maySpeakTls) lastWords(connection.socket, text, linger)
  else turnedAway(connection.socket, error, text, linger).catch(() => connection.socket.destroy())
}

function silent(parts: ProxyParts, connection: Connection): void {
  const record = ledgerRecord(parts.rooms, connection)
  record.set({
    reason: connection.refusal?.message ?? 'closed before a request',
    error: connection.refusal?.code ?? null,
  })
  record.end()
}

/** A request that never became one: an `exchanges` row when it had a request line, else its connection's row tells. */
function refused(
  parts: ProxyParts,
  connection: Connection,
  fault: Fault,
  request: RequestLine | undefined,
  cause?: unknown,
): void {
  parts.metrics.refusedRequests.inc({ code: fault.code })
  if (cause !== undefined) parts.log.error({ connection: connection.id, err: cause }, 'a request failed')
  // Nor is a CONNECT an exchange.
  if (request === undefined || (request.method === 'CONNECT' && connection.tunnel === null)) {
    connection.refusal = fault
    return
  }
  connection.exchanges += 1
  const { tunnel } = connection
  // What is refused for its length is not kept at its length.
  const target = request.target.slice(0, maxTarget)
  const origin = tunnel ?? { scheme: 'http' as const, host: '', port: 0 }
  const at = parseAbsolute(target) ?? { ...origin, ...splitPath(target) }
  const { method, version = '1.1' } = request
  const head = { method, target, version, headers: noHeaders, body: null }
  const incoming: Incoming<Connection> = {
    context: connection,
    ...head,
    scheme: undefined,
    authority: undefined,
    signal: new AbortController().signal,
    expectsContinue: false,
    inform: () => undefined,
    send: async () => undefined,
  }
  const exchange = exchangeOf(incoming, at, tunnel?.principal ?? null)
  void refuse(parts.rooms, exchange, new SallyportError(fault.code, fault.message))
}

/** A CONNECT inside a CONNECT would be a tunnel that nobody has looked at. */
function refusedInside(parts: ProxyParts, context: Connection, socket: Duplex, target: string): void {
  const fault: Fault = { code: 'connect_in_tunnel', message: 'there is no CONNECT inside a CONNECT' }
  refused(parts, context, fault, { method: 'CONNECT', target })
  lastWords(socket, refusalText(fault))
}

function refusedWhileDraining(parts: ProxyParts, context: Connection, socket: Duplex, target: string): void {
  const fault: Fault = { code: 'shutting_down', message: 'Sallyport is stopping' }
  const record = ledgerRecord(parts.rooms, context)
  const { host = null, port = null } = parseAuthority(target) ?? {}
  record.set({ host, port, reason: fault.message, error: fault.code })
  record.end()
  lastWords(socket, refusalText(fault))
}

const maxTarget = 8_192
const maxLeaving = 1_000
const shortLinger: LingerTerms = { totalMs: 2_000, quietMs: 500, bytes: 65_536 }
const noLinger: LingerTerms = { totalMs: 10, quietMs: 10, bytes: 0 }
const noHeaders: RawHeaders = []
