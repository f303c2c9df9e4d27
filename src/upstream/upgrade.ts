import { randomBytes } from 'node:crypto'
import { SallyportError } from '../core/errors.ts'
import type { Request } from '../core/http.ts'
import { headerOf, withoutHeaders } from '../core/http.ts'
import { endToEnd, toClient } from '../http/headers.ts'
import type { Upgraded } from '../http/upgraded.ts'
import { acceptOf, answersKey } from '../http/websocket-handshake.ts'
import type { Connector } from './connect.ts'
import type { UpstreamTimes } from './times.ts'
import { withOneCookie } from './cookies.ts'
import { extendedConnect } from './extended-connect.ts'
import { release } from './http2.ts'
import { notHttp2 } from './http2-pool.ts'
import type { Http2Pool } from './http2-pool.ts'
import type { Carriage } from './in-flight.ts'
import type { Origin } from './origin.ts'
import { switchHttp1 } from './switch.ts'

/** Asks an origin for a WebSocket, with the client's handshake: its fields, and its version where the origin has it. Rejects with SallyportError. */
export type Upgrade = (request: Request, signal: AbortSignal, carriage?: Carriage) => Promise<Upgraded>

export type UpgradeTerms = {
  readonly connect: Connector
  readonly pool: Http2Pool
  readonly times: UpstreamTimes
  readonly speaksOnly: (origin: Origin) => 'http1' | 'http2' | undefined
  /** Whether a handshake failed because the origin has no HTTP/1.1. */
  readonly refusedHttp1: (error: unknown, origin: Origin) => boolean
}

/** An HTTP/1.1 upgrade (RFC 9110, 7.8) on a connection of its own, or an extended CONNECT (RFC 8441) on a shared one. */
export function upgrader(terms: UpgradeTerms): Upgrade {
  const { pool, speaksOnly, refusedHttp1 } = terms

  const viaHttp2 = async (
    origin: Origin,
    request: Request,
    signal: AbortSignal,
    carriage: Carriage | undefined,
  ): Promise<Upgraded | undefined> => {
    try {
      const on = await pool.acquire(origin, signal, carriage?.via)
      if (on.session.remoteSettings.enableConnectProtocol === true)
        return await byConnect(on, request, signal, terms, carriage)
      release(on)
    } catch (error) {
      if (error !== notHttp2) throw error
    }
    return undefined
  }

  const orNone = async (upgraded: Promise<Upgraded | undefined>): Promise<Upgraded> => {
    const found = await upgraded
    if (found === undefined) throw invalid('the origin speaks HTTP/2 only, and takes no WebSocket over it')
    return found
  }

  return async (request, signal, carriage) => {
    const { target, version } = request.head
    const origin: Origin = { scheme: target.scheme, host: target.host, port: target.port }
    if (target.scheme === 'http') return byUpgrade(origin, request, signal, terms, carriage)
    const only = speaksOnly(origin)
    if (only === 'http2') return orNone(viaHttp2(origin, request, signal, carriage))
    if (version === '2' && only === undefined) {
      const upgraded = await viaHttp2(origin, request, signal, carriage)
      if (upgraded !== undefined) return upgraded
    }
    try {
      return await byUpgrade(origin, request, signal, terms, carriage)
    } catch (error) {
      if (!refusedHttp1(error, origin)) throw error
      return orNone(viaHttp2(origin, request, signal, carriage))
    }
  }
}

async function byUpgrade(
  origin: Origin,
  request: Request,
  signal: AbortSignal,
  { connect, times }: UpgradeTerms,
  carriage: Carriage | undefined,
): Promise<Upgraded> {
  const fromHttp2 = request.head.version === '2'
  const sent = handshake(withOneCookie(request))
  const switched = await switchHttp1(connect, origin, sent, signal, times, carriage)
  if (switched.kind === 'answered') {
    // On HTTP/2 a 2xx would say that there is a WebSocket now.
    if (fromHttp2 && Math.floor(switched.answer.head.status / 100) === 2) {
      switched.close()
      throw invalid('the origin did not upgrade')
    }
    return { kind: 'answered', answer: switched.answer }
  }
  const { headers, socket, head } = switched
  if (!answersKey(sent.head.headers, headers)) {
    socket.destroy()
    throw invalid('Sec-WebSocket-Accept does not answer the key')
  }
  const fields = toClient(headers)
  return {
    kind: 'upgraded',
    version: '1.1',
    headers: fromHttp2 ? withoutHeaders(fields, accept) : [...fields, ...switching],
    socket,
    head,
    silenceMs: times.idleTimeoutMs,
  }
}

/** The client's own fields but those of its hop. An extended CONNECT has no key (RFC 8441, 5). */
function handshake(request: Request): Request {
  const { head } = request
  let fields = endToEnd(head.headers)
  if (head.version === '2') {
    fields = withoutHeaders(fields, key)
    if (headerOf(fields, 'sec-websocket-version') === undefined) fields.push('Sec-WebSocket-Version', '13')
    fields.push('Sec-WebSocket-Key', randomBytes(16).toString('base64'))
  }
  return { head: { ...head, headers: [...fields, ...switching] }, body: null }
}

async function byConnect(
  on: Parameters<typeof extendedConnect>[0],
  request: Request,
  signal: AbortSignal,
  { times }: UpgradeTerms,
  carriage: Carriage | undefined,
): Promise<Upgraded> {
  const { version, headers } = request.head
  const asked = headerOf(headers, 'sec-websocket-key')
  if (version !== '2' && asked === undefined) {
    release(on)
    throw new SallyportError('malformed_request', 'no Sec-WebSocket-Key')
  }
  const connected = await extendedConnect(on, request, withoutHeaders(endToEnd(headers), key), signal, times, carriage)
  if (connected.kind === 'answered') return connected
  const fields = toClient(connected.headers)
  return {
    kind: 'upgraded',
    version: '2',
    headers: version === '2' ? fields : [...fields, ...switching, 'Sec-WebSocket-Accept', acceptOf(asked as string)],
    socket: connected.socket,
    head: none,
    silenceMs: times.idleTimeoutMs,
  }
}

function invalid(message: string): SallyportError {
  return new SallyportError('upstream_invalid', message)
}

const switching = ['Connection', 'Upgrade', 'Upgrade', 'websocket']
const key = new Set(['sec-websocket-key'])
const accept = new Set(['sec-websocket-accept'])
const none = Buffer.alloc(0)
