import { Server, ServerResponse } from 'node:http'
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { SallyportError } from '../core/errors.ts'
import type { HttpVersion, RawHeaders } from '../core/http.ts'
import { headerOf } from '../core/http.ts'
import { headText, sendAnswer } from './answering.ts'
import { streamBody } from './body.ts'
import { expectedBody } from './expected-body.ts'
import { halfOpen } from './half-open.ts'
import { allowedTrailers, contentLength, declaresBody, toClient } from './headers.ts'
import type { Handlers, HttpLimits, Incoming, RequestLine } from './incoming.ts'
import { lastWords } from './linger.ts'
import { refusalOf, refusalText } from './refuse.ts'
import type { ParserError } from './refuse.ts'
import { requestBody } from './request-body.ts'
import type { RequestBody } from './request-body.ts'
import { beforeUpgrade, spacedLine } from './spaced-line.ts'
import { turns } from './turns.ts'
import type { Turns } from './turns.ts'
import { faultIn, faultInConnect, faultySize, unsupportedVersion } from './validate.ts'
import type { Fault } from './validate.ts'

/** HTTP/1.1 on sockets handed in, with Node's parser: exact headers both ways, trailers, 1xx, upgrades (RFC 9112). */
export function http1Server<C>(
  handlers: Handlers<C>,
  limits: HttpLimits,
): { serve: (socket: Duplex, context: C) => void; close: () => void } {
  const clients = new WeakMap<Duplex, Client<C>>()
  const clientOf = (socket: Duplex): Client<C> => clients.get(socket) as Client<C>
  const server = new Server({
    // Twice the limit, so that a target that is too long can be told from fields that are.
    maxHeaderSize: 2 * limits.headerBytes,
    headersTimeout: limits.headersTimeoutMs,
    connectionsCheckingInterval: Math.min(limits.headersTimeoutMs, 5_000),
    keepAliveTimeout: limits.keepAliveTimeoutMs,
    requestTimeout: 0,
    requireHostHeader: false,
    insecureHTTPParser: false,
    joinDuplicateHeaders: false,
    noDelay: false,
    shouldUpgradeCallback: (request: IncomingMessage) => request.headers.upgrade?.toLowerCase() === 'websocket',
  } as ConstructorParameters<typeof Server>[0])
  server.maxHeadersCount = 0
  server.timeout = 0
  // Missing from the type declarations: a client that has closed its side still gets what it asked for.
  ;(server as { httpAllowHalfOpen?: boolean }).httpAllowHalfOpen = true
  // It never listens itself, and Node enforces headersTimeout only for servers that say they do.
  server.emit('listening')

  /** The last words on a connection, after the answers that are due: what comes behind is no request. */
  const refuse = (client: Client<C>, socket: Duplex, fault: Fault, line: RequestLine | undefined, cause?: unknown) => {
    client.closed = true
    socket.pause()
    client.turns.take(async () => {
      handlers.refused(client.context, fault, line, cause)
      lastWords(socket, refusalText(fault))
    })
  }

  const take = (request: IncomingMessage, response: ServerResponse): void => {
    const { socket } = request
    const client = clientOf(socket)
    if (client.closed) return
    if (client.turns.waiting() >= maxPipelined) {
      stopParsing(socket)
      return refuse(client, socket, tooMany, undefined)
    }
    const fault = faultOf(request, limits) ?? (client.turns.waiting() === 0 ? spacedLine(request) : undefined)
    if (fault !== undefined) return refuse(client, socket, fault, lineOf(request))
    const incoming = incomingOf(request, response, client, limits)
    // More than these are not even parsed before their turn.
    if (client.turns.waiting() > maxWaiting) socket.pause()
    client.turns.take(async () => {
      if (socket.destroyed) return
      if (socket.isPaused()) socket.resume()
      client.answering = response
      let cause: unknown
      await handlers.exchange(incoming).catch((thrown: unknown) => (cause = thrown))
      if (response.writableEnded && response.shouldKeepAlive) return forget(client, response)
      client.closed = true
      client.turns.drop()
      if (response.writableEnded || socket.destroyed) return
      if (cause === undefined || response.headersSent) return void response.destroy()
      handlers.refused(client.context, internal, lineOf(request), cause)
      lastWords(socket, refusalText(internal))
    })
  }
  server.on('request', take).on('checkContinue', take).on('checkExpectation', take)

  server.on('connect', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const client = clientOf(socket)
    if (client.closed) return
    client.closed = true
    client.wholly()
    const fault = unknownVersion(request) ?? faultInConnect(request.rawHeaders) ?? client.spaced
    const asked = { target: request.url ?? '', headers: request.rawHeaders, version: versionOf(request), fault }
    client.turns.take(async () => handlers.connect(client.context, asked, socket, head))
  })

  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const client = clientOf(socket)
    if (client.closed) return
    client.closed = true
    client.wholly()
    const fault = faultOf(request, limits) ?? client.spaced
    if (fault !== undefined) return refuse(client, socket, fault, lineOf(request))
    client.turns.take(async () => {
      if (socket.destroyed) return
      const response = new ServerResponse(request)
      response.assignSocket(socket as never)
      response.shouldKeepAlive = false
      const accept = (headers: RawHeaders): { socket: Duplex; head: Buffer } => {
        response.detachSocket(socket as never)
        socket.write(headText('HTTP/1.1 101 Switching Protocols', headers), 'latin1')
        return { socket, head }
      }
      const incoming = incomingOf(request, response, client, limits, () => socket.end())
      handlers.upgrade({ incoming, accept }).catch(() => socket.destroy())
    })
  })

  server.on('clientError', (error: ParserError, socket: Duplex) => {
    const client = clientOf(socket)
    if (error.code === 'ECONNRESET') return void socket.destroy()
    // It may have had its last words, which are being read.
    if (client.closed) return
    if (!socket.writable) return void socket.destroy()
    const { fault, request } = refusalOf(error)
    if (client.last === undefined || client.last.request.complete) return refuse(client, socket, fault, request)
    client.closed = true
    breakOff(client.last, socket, fault)
  })

  return {
    serve(socket, context) {
      const wholly = halfOpen(socket, () => client.answering)
      const client: Client<C> = {
        context,
        turns: turns(),
        closed: false,
        last: undefined,
        answering: undefined,
        spaced: undefined,
        wholly,
      }
      clients.set(socket, client)
      server.emit('connection', socket)
      beforeUpgrade(socket, (request) => {
        if (client.turns.waiting() === 0) client.spaced = spacedLine(request)
      })
    },
    close: () => void server.close(),
  }
}

type Client<C> = {
  readonly context: C
  readonly turns: Turns
  /** No more requests are taken: after a refusal, a CONNECT, an upgrade, or the answer that closes. */
  closed: boolean
  /** The request whose head came last. */
  last: InFlight | undefined
  /** The last answer whose turn has come. */
  answering: ServerResponse | undefined
  /** What is wrong with the line of a CONNECT or an upgrade. */
  spaced: Fault | undefined
  /** The end of the client's side is from now on the end of the connection. */
  readonly wholly: () => void
}

/** An idle connection holds on to nothing of its last exchange. */
function forget<C>(client: Client<C>, response: ServerResponse): void {
  if (client.answering === response) client.answering = undefined
  if (client.last?.response === response && client.last.request.complete) client.last = undefined
}

type InFlight = {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly body: RequestBody | null
  readonly gone: AbortController
}

/** The head was well, its body is not: the exchange says so where it still can. */
function breakOff({ body, gone, response }: InFlight, socket: Duplex, fault: Fault): void {
  const cause = new SallyportError(fault.code, fault.message)
  if (body?.fail(cause) === true) return
  gone.abort(cause)
  if (response.headersSent) socket.destroy()
  else lastWords(socket, refusalText(fault))
}

function faultOf(request: IncomingMessage, { headerBytes }: HttpLimits): Fault | undefined {
  const target = request.url ?? ''
  return (
    unknownVersion(request) ??
    faultySize(target, request.rawHeaders, headerBytes) ??
    faultIn(request.method ?? '', target, versionOf(request), request.rawHeaders)
  )
}

/** What came in the same piece would still be made into requests that nobody answers, each fifty times the size of its bytes. */
function stopParsing(socket: IncomingMessage['socket']): void {
  const { parser } = socket as { readonly parser?: { onIncoming: () => number } }
  if (parser !== undefined) parser.onIncoming = () => noMoreHttp
}

function unknownVersion({ httpVersion }: IncomingMessage): Fault | undefined {
  return httpVersion === '1.1' || httpVersion === '1.0' ? undefined : unsupportedVersion
}

function lineOf(request: IncomingMessage): RequestLine {
  return { method: request.method ?? '', target: request.url ?? '', version: versionOf(request) }
}

function incomingOf<C>(
  request: IncomingMessage,
  response: ServerResponse,
  client: Client<C>,
  limits: HttpLimits,
  ended?: () => void,
): Incoming<C> {
  const gone = new AbortController()
  response.on('close', () => {
    if (!response.writableFinished) gone.abort(new Error('the client went away'))
  })
  const body = bodyOf(request, limits.bodyStallMs ?? bodyStallMs)
  client.last = { request, response, body, gone }
  const version = versionOf(request)
  const expectsContinue = version === '1.1' && body !== null && body.length !== 0 && expects(request)
  let held = expectsContinue
  const inform: Incoming<C>['inform'] = (status, headers) => {
    if (version === '1.0' || response.headersSent || (status === 100 && expectsContinue && !held)) return
    if (status === 100) {
      held = false
      // Node ends a connection on which it has not said so itself.
      ;(response as { _sent100?: boolean })._sent100 = true
    }
    const line = `HTTP/1.1 ${status} ${reasons[status] ?? 'Informational'}`
    response.socket?.write(headText(line, toClient(headers)), 'latin1')
  }
  return {
    context: client.context,
    method: request.method ?? '',
    target: request.url ?? '',
    scheme: undefined,
    authority: undefined,
    version,
    headers: request.rawHeaders,
    body: body === null || !expectsContinue ? body : expectedBody(body, () => inform(100, [])),
    signal: gone.signal,
    expectsContinue,
    inform,
    send: async (answer, hop) => {
      await sendAnswer(request, response, answer, { last: held || answer.head.status >= 400, hop })
      ended?.()
    },
  }
}

function expects({ rawHeaders }: IncomingMessage): boolean {
  return headerOf(rawHeaders, 'expect')?.toLowerCase() === '100-continue'
}

function bodyOf(request: IncomingMessage, stallMs: number): RequestBody | null {
  if (!declaresBody(request.rawHeaders)) return null
  const { socket } = request
  const body = streamBody(request, contentLength(request.rawHeaders), () => allowedTrailers(request.rawTrailers))
  return requestBody(body, stallMs, () => (request.complete ? undefined : socket.bytesRead))
}

function versionOf(request: IncomingMessage): HttpVersion {
  return request.httpVersion === '1.0' ? '1.0' : '1.1'
}

const reasons: Record<number, string> = { 100: 'Continue', 102: 'Processing', 103: 'Early Hints' }
const internal: Fault = { code: 'internal_error', message: 'internal error' }
const maxWaiting = 64
const maxPipelined = 128
const tooMany: Fault = { code: 'overloaded', message: 'too many requests wait for their turn on this connection' }
// What Node's parser is told of a head after which another protocol begins.
const noMoreHttp = 2
const bodyStallMs = 60_000
