import { connect as connectHttp2 } from 'node:http2'
import type { ClientHttp2Session } from 'node:http2'
import type { Socket } from 'node:net'
import { SallyportError } from '../core/errors.ts'
import type { Answer, Request } from '../core/http.ts'
import { headerOf } from '../core/http.ts'
import { bytesAtHand } from '../http/body.ts'
import { grouped } from '../http/field-section.ts'
import { endToEnd } from '../http/headers.ts'
import type { Checks, Timed } from './checks.ts'
import type { UpstreamTimes } from './times.ts'
import { clientAborted, upstreamFault } from './faults.ts'
import { resets } from './http2-resets.ts'
import type { Resets } from './http2-resets.ts'
import { StreamExchange, Unprocessed } from './http2-stream.ts'
import type { Sending } from './in-flight.ts'
import { bracketed } from './origin.ts'
import type { Origin } from './origin.ts'
import type { Stamp } from './stamps.ts'

/** A session with what is on it. */
export type Http2Session = {
  readonly session: ClientHttp2Session
  /** Requests that are on it, or about to be. Beyond what the origin allows, the session holds them back. */
  open: number
  /** The last stream that the origin may have worked on, once it has said GOAWAY. */
  lastStreamId: number
  readonly resets: Resets
  /** What its connection was stamped with on its way through a parent proxy. */
  stamp?: Stamp | undefined
  /** Called when `open` has come down to 0. */
  idle: () => void
  /** Called when it is to take no more requests, as when few more streams may be reset on it. */
  worn: () => void
}

/** What all sessions share. */
export type SessionTerms = {
  readonly times: UpstreamTimes
  /** Milliseconds that only go up. */
  readonly clock: () => number
  readonly checks: Pick<Checks<Timed>, 'add' | 'delete'>
}

/** An HTTP/2 session to an origin, over a connection that negotiated it. `gone` is called once it takes no more requests. */
export function http2Session(
  origin: Origin,
  socket: Socket,
  gone: (session: Http2Session) => void,
  clock: () => number = () => performance.now(),
): Promise<Http2Session> {
  return new Promise((resolve, reject) => {
    const session = connectHttp2(`${origin.scheme}://${bracketed(origin.host)}`, {
      createConnection: () => socket,
      settings: { enablePush: false, initialWindowSize: 1_048_576, maxHeaderListSize: 262_144 },
      maxSessionMemory: 64,
      maxHeaderListPairs: 2_000,
      ...twiceIsTwice,
    })
    const opened: Http2Session = {
      session,
      open: 0,
      lastStreamId: Number.POSITIVE_INFINITY,
      resets: resets(clock),
      idle: () => undefined,
      worn: () => undefined,
    }
    const late = setTimeout(() => session.destroy(silent()), settingsMs)
    session.on('goaway', (_code, lastStreamId) => {
      opened.lastStreamId = lastStreamId
      gone(opened)
    })
    session.on('error', (error) => {
      gone(opened)
      reject(upstreamFault(error))
    })
    // Of an alert (such as for a missing client certificate) Node tells the session nothing, and leaves the connection open.
    socket.once('error', (error) => {
      gone(opened)
      reject(upstreamFault(error))
      socket.destroy()
    })
    // Node waits for the origin's end after its own: an origin that never ends would keep the socket for ever.
    socket.once('finish', () => setTimeout(() => socket.destroy(), lingerMs).unref())
    session.once('close', () => {
      clearTimeout(late)
      gone(opened)
      reject(new SallyportError('upstream_closed', 'the origin closed the connection'))
    })
    session.once('remoteSettings', () => {
      clearTimeout(late)
      session.setLocalWindowSize(4_194_304)
      resolve(opened)
    })
  })
}

/** One request on a session (RFC 9113, 8), which has been counted in `open`. Rejects with Unprocessed when it may be sent again. */
export function sendHttp2(on: Http2Session, request: Request, sending: Sending, terms: SessionTerms): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const over = (exchange: StreamExchange | undefined, reset: boolean): void => {
      release(on, reset)
      if (exchange !== undefined) terms.checks.delete(exchange)
    }
    try {
      if (sending.signal.aborted) throw clientAborted()
      if (on.session.closed) throw new Unprocessed('again', undefined)
      if (on.stamp !== undefined) sending.carried?.(on.stamp)
      const stream = on.session.request(requestHeaders(request), {
        endStream: request.body === null,
        waitForTrailers: request.body !== null && bytesAtHand(request.body) === undefined,
      })
      const exchange = new StreamExchange(
        stream,
        sending,
        { times: terms.times, clock: terms.clock, lastStreamId: () => on.lastStreamId, over },
        { resolve, reject },
      )
      terms.checks.add(exchange)
      exchange.send(request)
    } catch (error) {
      over(undefined, false)
      reject(error instanceof SallyportError ? error : unwritable(error))
    }
  })
}

function requestHeaders(request: Request): Record<string, string | string[]> {
  const { method, target, headers } = request.head
  const fields = grouped(endToEnd(headers))
  delete fields.host
  // RFC 9113, 8.2.2: the one value of TE that may cross; gRPC requires it.
  if (headerOf(headers, 'te')?.toLowerCase() === 'trailers') fields.te = 'trailers'
  return {
    ':method': method,
    ':scheme': target.scheme,
    ':authority': headerOf(headers, 'host') ?? authorityOf(target),
    ':path': `${target.path}${target.query}`,
    ...fields,
  }
}

function authorityOf({ scheme, host, port }: Origin): string {
  return port === (scheme === 'https' ? 443 : 80) ? bracketed(host) : `${bracketed(host)}:${port}`
}

function silent(): SallyportError {
  return new SallyportError('upstream_timeout', 'the origin said no SETTINGS')
}

// Node refuses fields that HTTP/2 cannot carry.
function unwritable(cause: unknown): SallyportError {
  return new SallyportError('malformed_request', 'the request cannot be sent over HTTP/2', { cause })
}

/** The request that was counted is over; `reset` when its stream was. */
export function release(on: Http2Session, reset = false): void {
  on.open -= 1
  if (reset) {
    on.resets.count()
    if (on.resets.left() < wornBelow) on.worn()
  }
  if (on.open === 0 && !on.session.closed) on.idle()
}

/** Ends a session: what is on it finishes first. */
export function closeSession({ session }: Http2Session): void {
  if (!session.closed && !session.destroyed) session.close()
}

/** How many requests at once a session takes: as the origin allows (RFC 9113, 5.1.2), and no more than may all be reset. */
export function allowed({ session, resets }: Http2Session): number {
  return Math.min(session.remoteSettings.maxConcurrentStreams ?? Number.POSITIVE_INFINITY, resets.left())
}

const wornBelow = 25
const settingsMs = 10_000
const lingerMs = 2_000
// Missing from the type declarations of a client: what comes twice goes on twice.
const twiceIsTwice: object = { strictSingleValueFields: false }
