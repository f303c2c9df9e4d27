import { constants, performServerHandshake } from 'node:http2'
import type { IncomingHttpHeaders, ServerHttp2Session, ServerHttp2Stream } from 'node:http2'
import type { Duplex } from 'node:stream'
import type { Answer, RawHeaders } from '../core/http.ts'
import { bytesAtHand, pump, streamBody } from './body.ts'
import { contentLength, endToEnd } from './headers.ts'
import { faultIn } from './validate.ts'
import type { Handlers, HttpLimits, Incoming } from './incoming.ts'

/** HTTP/2 on sockets handed in (RFC 9113): each stream is one exchange; no push, no extended CONNECT. */
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
      const session = performServerHandshake(socket, {
        settings: {
          maxConcurrentStreams: limits.streams,
          enablePush: false,
          initialWindowSize: 1_048_576,
          maxHeaderListSize: limits.headerBytes,
        },
        maxSessionInvalidFrames: 100,
        maxSessionRejectedStreams: 100,
        maxOutstandingPings: 10,
        maxSettings: 32,
      })
      // The session has no handle before its next tick.
      session.once('connect', () => session.setLocalWindowSize(4_194_304))
      let open = 0
      sessions.add(session)
      session.once('close', () => sessions.delete(session))
      session.on('error', () => socket.destroy())
      session.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, flags: number, raw: string[]) => {
        open += 1
        stream.on('error', () => undefined).on('close', () => (open -= 1))
        take(stream, headers, flags, raw, context, handlers)
      })
      session.setTimeout(limits.keepAliveTimeoutMs, () => {
        if (open === 0) session.close()
      })
    },
  }
}

function take<C>(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  flags: number,
  raw: readonly string[],
  context: C,
  handlers: Handlers<C>,
): void {
  const method = String(headers[':method'] ?? '')
  const target = String(headers[':path'] ?? '')
  const authority = headers[':authority'] ?? headers.host
  const fields = withoutPseudo(raw)
  const refuse = (message: string): void => {
    handlers.refused(context, { code: 'malformed_request', message }, { method, target })
    stream.close(constants.NGHTTP2_PROTOCOL_ERROR)
  }
  if (method === 'CONNECT') return void stream.respond({ ':status': 405 }, { endStream: true })
  if (target === '' || authority === undefined) return refuse('the request has no :path or no authority')
  if (headers[':authority'] !== undefined && headers.host !== undefined && headers[':authority'] !== headers.host) {
    return refuse(':authority and Host differ')
  }
  const fault = faultIn(method, target, '2', fields)
  if (fault !== undefined) return refuse(fault.message)
  const incoming = incomingOf(stream, { method, target, authority, scheme: headers[':scheme'] }, fields, flags, context)
  handlers.exchange(incoming).catch(() => stream.close(constants.NGHTTP2_INTERNAL_ERROR))
}

function incomingOf<C>(
  stream: ServerHttp2Stream,
  line: { method: string; target: string; authority: string; scheme: string | undefined },
  headers: string[],
  flags: number,
  context: C,
): Incoming<C> {
  const gone = new AbortController()
  stream.on('close', () => {
    if (!stream.writableFinished || stream.rstCode !== constants.NGHTTP2_NO_ERROR)
      gone.abort(new Error('the client went away'))
  })
  let trailers: RawHeaders = []
  stream.on('trailers', (_: unknown, __: unknown, raw?: string[]) => {
    trailers = raw ?? []
  })
  const bodiless = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0
  return {
    context,
    ...line,
    version: '2',
    headers,
    body: bodiless ? null : streamBody(stream, contentLength(headers), () => trailers),
    signal: gone.signal,
    expectsContinue: false,
    inform: (status, fields) => {
      if (!stream.headersSent && !stream.destroyed) stream.additionalHeaders({ ':status': status, ...grouped(fields) })
    },
    send: (answer) => send(stream, answer),
  }
}

async function send(stream: ServerHttp2Stream, answer: Answer): Promise<void> {
  if (stream.destroyed) throw new Error('the client went away')
  const { head, body } = answer
  const headers = { ':status': head.status, ...grouped(endToEnd(head.headers)) }
  if (body === null) {
    stream.respond(headers, { endStream: true, ...withoutDate })
    return
  }
  const bytes = bytesAtHand(body)
  stream.respond(headers, { waitForTrailers: bytes === undefined, ...withoutDate })
  if (bytes !== undefined) return finished(stream, bytes)
  stream.once('wantTrailers', () => {
    // Without any, Node sends an empty DATA frame that ends the stream.
    stream.sendTrailers(grouped(body.trailers()))
  })
  try {
    await pump(body, stream)
  } catch (cause) {
    stream.close(constants.NGHTTP2_INTERNAL_ERROR)
    throw cause
  }
  return finished(stream)
}

function finished(stream: ServerHttp2Stream, bytes?: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    // Its events are past.
    if (stream.destroyed) return reject(new Error('the client went away'))
    stream.once('finish', resolve)
    // A whole answer may close the stream before `finish` is told.
    stream.once('close', () =>
      stream.rstCode === constants.NGHTTP2_NO_ERROR ? resolve() : reject(new Error('the client went away')),
    )
    if (bytes === undefined) stream.end()
    else stream.end(bytes)
  })
}

function withoutPseudo(raw: readonly string[]): string[] {
  const fields: string[] = []
  for (let i = 0; i < raw.length; i += 2) {
    if (!(raw[i] as string).startsWith(':')) fields.push(raw[i] as string, raw[i + 1] as string)
  }
  return fields
}

/** Fields as Node's HTTP/2 takes them: lower case, duplicates as lists. */
export function grouped(headers: RawHeaders): Record<string, string | string[]> {
  const out: Record<string, string | string[]> = Object.create(null)
  for (let i = 0; i < headers.length; i += 2) {
    const name = (headers[i] as string).toLowerCase()
    const value = headers[i + 1] as string
    const before = out[name]
    if (before === undefined) out[name] = value
    else if (Array.isArray(before)) before.push(value)
    else out[name] = [before, value]
  }
  return out
}

// Missing from the type declarations: without it Node adds a Date that the origin did not send.
const withoutDate: object = { sendDate: false }
