import { constants, performServerHandshake } from 'node:http2'
import type { IncomingHttpHeaders, ServerHttp2Session, ServerHttp2Stream } from 'node:http2'
import type { Duplex } from 'node:stream'
import { errorCodes, SallyportError } from '../core/errors.ts'
import type { Body, RawHeaders } from '../core/http.ts'
import { headerOf } from '../core/http.ts'
import { streamBody } from './body.ts'
import { expectedBody } from './expected-body.ts'
import { takeExtendedConnect } from './extended-connect.ts'
import { grouped, withoutPseudo } from './field-section.ts'
import { allowedTrailers, contentLength, toClient } from './headers.ts'
import type { Handlers, HttpLimits, Incoming } from './incoming.ts'
import { requestBody } from './request-body.ts'
import { sendOnStream } from './send2.ts'
import { sessionIdle } from './session-idle.ts'
import { endsOnlyWhole } from './stream-reset.ts'
import { faultInStream } from './stream-request.ts'
import type { StreamLine } from './stream-request.ts'
import type { Fault } from './validate.ts'

/**
 * HTTP/2 on sockets handed in (RFC 9113): each stream is one exchange, or a WebSocket (RFC 8441); no push. What breaks HTTP/2 ends its stream or
 * the connection, and is told as a refusal: with its request line where Node gave us one.
 */
export function http2Server<C>(
  handlers: Handlers<C>,
  limits: HttpLimits,
): { serve: (socket: Duplex, context: C) => void; close: () => void } {
  const sessions = new Set<ServerHttp2Session>()
  return {
    /** Says GOAWAY on every session: streams that are open may end, and then the connection does. */
    close() {
      for (const session of sessions) session.close()
    },
    serve(socket, context) {
      let open = 0
      let last = -1
      const began = (id: number): void => {
        // Node does not tell of streams whose request it refused itself.
        if (id > last + 2) handlers.refused(context, unheard, undefined)
        last = id
      }
      // Before Node's own listener, after which the session knows nothing any more.
      socket.once('close', () => {
        if ((session.state.lastProcStreamID ?? 0) > Math.max(last, 0)) began(last + 4)
      })
      const session = performServerHandshake(socket, optionsFor(limits))
      // The session has no handle before its next tick.
      session.once('connect', () => session.setLocalWindowSize(4_194_304))
      sessions.add(session)
      session.once('close', () => sessions.delete(session))
      session.on('error', (error: NodeJS.ErrnoException) => {
        const fault = faultOf(error)
        if (fault !== undefined) handlers.refused(context, fault, undefined)
        socket.destroy()
      })
      session.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, flags: number, raw: string[]) => {
        open += 1
        began(stream.id as number)
        stream
          .on('error', () => undefined)
          .on('close', () => {
            open -= 1
            if (open === 0) quiet.refresh()
          })
        take(stream, headers, flags, raw, context, handlers, limits)
      })
      const quiet = sessionIdle(session, limits.keepAliveTimeoutMs, () => {
        if (open === 0) session.close()
      })
    },
  }
}

function optionsFor(limits: HttpLimits): Parameters<typeof performServerHandshake>[1] {
  return {
    settings: {
      maxConcurrentStreams: limits.streams,
      enablePush: false,
      enableConnectProtocol: true,
      initialWindowSize: 1_048_576,
      maxHeaderListSize: limits.headerBytes,
    },
    // Beyond this a field section that grows out of few bytes (RFC 7541, 7.3) is not even put together.
    maxHeaderListPairs: 1_000,
    maxSessionMemory: 32,
    maxSessionInvalidFrames: 500,
    // A client may begin as many as it likes before it has our SETTINGS.
    maxSessionRejectedStreams: 1_000,
    maxOutstandingPings: 10,
    maxSettings: 32,
    streamResetBurst: 500,
    streamResetRate: 50,
    // What a client or an origin sends twice goes on twice.
    strictSingleValueFields: false,
  }
}

function take<C>(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  flags: number,
  raw: readonly string[],
  context: C,
  handlers: Handlers<C>,
  limits: HttpLimits,
): void {
  const protocol = headers[':protocol'] as string | undefined
  const method = headers[':method'] ?? ''
  if (method === 'CONNECT' && protocol === undefined) {
    handlers.refused(context, inTunnel, { method, target: headers[':authority'] ?? '', version: '2' })
    return refuse(stream, inTunnel)
  }
  const fields = withoutPseudo(raw)
  const line: StreamLine = {
    method,
    target: headers[':path'] ?? '',
    scheme: headers[':scheme'] ?? '',
    authority: headers[':authority'],
  }
  const secure = stream.session?.encrypted === true
  const fault = faultInStream(line, fields, { secure, headerBytes: limits.headerBytes })
  if (fault !== undefined) {
    handlers.refused(context, fault, { method, target: line.target, version: '2' })
    return refuse(stream, fault)
  }
  // What comes on an extended CONNECT is no body.
  const bodiless = protocol === undefined ? flags : flags | constants.NGHTTP2_FLAG_END_STREAM
  const incoming = incomingOf(stream, line, fields, bodiless, context, limits)
  if (protocol !== undefined) return takeExtendedConnect(stream, protocol, incoming, handlers, grouped)
  const over = (): void => {
    // An answer that HTTP/2 cannot carry: nobody would end the stream.
    if (!stream.closed && !(stream.headersSent && stream.writableEnded)) stream.close(constants.NGHTTP2_INTERNAL_ERROR)
  }
  handlers.exchange(incoming).then(over, over)
}

/** A malformed request is a stream error (RFC 9113, 8.1.1); one that is too large is answered. */
function refuse(stream: ServerHttp2Stream, { code, message }: Fault): void {
  if (code === 'malformed_request') return stream.close(constants.NGHTTP2_PROTOCOL_ERROR)
  stream.respond({ ':status': errorCodes[code].status, 'sallyport-error': code, 'content-type': 'text/plain' })
  stream.end(`${message}\n`)
  stream.once('finish', () => stream.close(constants.NGHTTP2_NO_ERROR))
}

function incomingOf<C>(
  stream: ServerHttp2Stream,
  { method, target, scheme, authority }: StreamLine,
  headers: RawHeaders,
  flags: number,
  context: C,
  limits: HttpLimits,
): Incoming<C> {
  const gone = new AbortController()
  stream.on('close', () => {
    if (stream.aborted || !stream.writableFinished || stream.rstCode !== constants.NGHTTP2_NO_ERROR)
      gone.abort(new Error('the client went away'))
  })
  const bodiless = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0
  const stallMs = limits.answerStallMs ?? answerStallMs
  const got = bodiless ? undefined : bodyOf(stream, headers, limits.bodyStallMs ?? bodyStallMs)
  const expectsContinue =
    got !== undefined && got.body.length !== 0 && headerOf(headers, 'expect')?.toLowerCase() === '100-continue'
  let held = expectsContinue
  const inform: Incoming<C>['inform'] = (status, fields) => {
    if (stream.headersSent || stream.destroyed || (status === 100 && expectsContinue && !held)) return
    if (status === 100) held = false
    stream.additionalHeaders({ ':status': status, ...grouped(toClient(fields)) })
  }
  const body = got === undefined ? null : got.body
  return {
    context,
    method,
    target,
    scheme,
    authority: authority ?? headerOf(headers, 'host'),
    version: '2',
    headers,
    body: body === null || !expectsContinue ? body : expectedBody(body, () => inform(100, [])),
    signal: gone.signal,
    expectsContinue,
    inform,
    async send(answer) {
      await sendOnStream(stream, answer, stallMs)
      got?.leave()
    },
  }
}

function bodyOf(
  stream: ServerHttp2Stream,
  headers: RawHeaders,
  stallMs: number,
): { readonly body: Body; readonly leave: () => void } {
  const coming = endsOnlyWhole(stream, clientAborted)
  let trailers: RawHeaders = []
  stream.on('trailers', (_: unknown, __: unknown, raw?: string[]) => {
    trailers = allowedTrailers(raw ?? [])
  })
  const body = streamBody(stream, contentLength(headers), () => trailers)
  return {
    body: requestBody(body, stallMs, () => (coming.whole() ? undefined : coming.bytes())),
    /** After the answer nobody wants the rest (RFC 9113, 8.1). */
    leave() {
      if (stream.readableEnded || stream.destroyed) return
      // Not at once: a head that ends its stream would be lost with it at clients that read both together.
      if (!coming.whole()) return void setImmediate(() => stream.close(constants.NGHTTP2_NO_ERROR))
      stream.removeAllListeners('readable')
      stream.resume()
    },
  }
}

function clientAborted(cause: Error): SallyportError {
  return new SallyportError('client_aborted', 'the client reset its stream', { cause })
}

/** What a session ended with, when it was the client that broke HTTP/2. */
function faultOf({ code, message }: NodeJS.ErrnoException): Fault | undefined {
  if (code?.startsWith('ERR_HTTP2_') !== true || code === 'ERR_HTTP2_SESSION_ERROR') return undefined
  return { code: 'malformed_request', message: `the client broke HTTP/2: ${message}` }
}

const unheard: Fault = { code: 'malformed_request', message: 'a stream was begun without a request that HTTP/2 allows' }
const inTunnel: Fault = { code: 'connect_in_tunnel', message: 'there is no CONNECT inside a CONNECT' }
const bodyStallMs = 60_000
const answerStallMs = 600_000
