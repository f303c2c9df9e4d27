import { Server, ServerResponse } from 'node:http'
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Answer, Body, HttpVersion, RawHeaders } from '../core/http.ts'
import { headerOf } from '../core/http.ts'
import { bytesAtHand, pump, streamBody } from './body.ts'
import { contentLength, endToEnd } from './headers.ts'
import type { Handlers, HttpLimits, Incoming } from './incoming.ts'
import { refusalOf, refusalText } from './refuse.ts'
import { faultIn } from './validate.ts'

/** HTTP/1.1 on sockets handed in, with Node's parser: exact headers both ways, trailers, 1xx, upgrades (RFC 9112). */
export function http1Server<C>(
  handlers: Handlers<C>,
  limits: HttpLimits,
): { serve: (socket: Duplex, context: C) => void; close: () => void } {
  const contexts = new WeakMap<Duplex, C>()
  const contextOf = (socket: Duplex): C => contexts.get(socket) as C
  const server = new Server({
    maxHeaderSize: limits.headerBytes,
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
  // It never listens itself, and Node enforces headersTimeout only for servers that say they do.
  server.emit('listening')

  const take = (request: IncomingMessage, response: ServerResponse): void => {
    const fault = faultIn(request.method ?? '', request.url ?? '', versionOf(request), request.rawHeaders)
    if (fault === undefined) {
      handlers.exchange(incomingOf(request, response, contextOf(request.socket))).catch(() => response.destroy())
      return
    }
    handlers.refused(contextOf(request.socket), fault, { method: request.method ?? '', target: request.url ?? '' })
    request.socket.end(refusalText(fault))
    request.socket.destroySoon()
  }
  server.on('request', take).on('checkContinue', take).on('checkExpectation', take)

  server.on('connect', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    handlers.connect(
      contextOf(socket),
      { target: request.url ?? '', headers: request.rawHeaders, version: versionOf(request) },
      socket,
      head,
    )
  })

  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const fault = faultIn(request.method ?? '', request.url ?? '', versionOf(request), request.rawHeaders)
    if (fault !== undefined) {
      handlers.refused(contextOf(socket), fault, { method: request.method ?? '', target: request.url ?? '' })
      socket.end(refusalText(fault))
      return
    }
    const response = new ServerResponse(request)
    response.assignSocket(socket as never)
    response.shouldKeepAlive = false
    const accept = (headers: RawHeaders): { socket: Duplex; head: Buffer } => {
      response.detachSocket(socket as never)
      socket.write(headText('HTTP/1.1 101 Switching Protocols', headers), 'latin1')
      return { socket, head }
    }
    const incoming = incomingOf(request, response, contextOf(socket), () => socket.end())
    handlers.upgrade({ incoming, accept }).catch(() => socket.destroy())
  })

  server.on('clientError', (error: NodeJS.ErrnoException & { rawPacket?: Buffer }, socket: Duplex) => {
    if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
    const { fault, request } = refusalOf(error)
    handlers.refused(contextOf(socket), fault, request)
    socket.end(refusalText(fault))
  })

  return {
    serve(socket, context) {
      contexts.set(socket, context)
      server.emit('connection', socket)
    },
    close: () => void server.close(),
  }
}

function incomingOf<C>(
  request: IncomingMessage,
  response: ServerResponse,
  context: C,
  ended?: () => void,
): Incoming<C> {
  const gone = new AbortController()
  response.on('close', () => {
    if (!response.writableFinished) gone.abort(new Error('the client went away'))
  })
  return {
    context,
    method: request.method ?? '',
    target: request.url ?? '',
    scheme: undefined,
    authority: undefined,
    version: versionOf(request),
    headers: request.rawHeaders,
    body: requestBody(request),
    signal: gone.signal,
    expectsContinue: headerOf(request.rawHeaders, 'expect')?.toLowerCase() === '100-continue',
    inform: (status, headers) =>
      void response.socket?.write(
        headText(`HTTP/1.1 ${status} ${reasons[status] ?? 'Informational'}`, headers),
        'latin1',
      ),
    send: async (answer, hop) => {
      await send(request, response, answer, hop)
      if (isUnread(request)) request.socket.destroySoon()
      ended?.()
    },
  }
}

/** Whether a part of its body has not come yet. */
function isUnread(request: IncomingMessage): boolean {
  return !request.complete && hasBody(request)
}

function hasBody({ rawHeaders }: IncomingMessage): boolean {
  return contentLength(rawHeaders) !== undefined || headerOf(rawHeaders, 'transfer-encoding') !== undefined
}

function requestBody(request: IncomingMessage): Body | null {
  const length = contentLength(request.rawHeaders)
  if (!hasBody(request)) return null
  return streamBody(request, length, () => request.rawTrailers)
}

async function send(
  request: IncomingMessage,
  response: ServerResponse,
  answer: Answer,
  hop: RawHeaders = [],
): Promise<void> {
  const { head, body } = answer
  response.sendDate = false
  // The rest of a refused request is not read: the connection cannot be used again (RFC 9112, 9.3).
  if (head.status >= 400 && isUnread(request)) response.shouldKeepAlive = false
  response.writeHead(head.status, head.reason, [...endToEnd(head.headers), ...hop])
  if (body === null) return ended(response)
  const bytes = bytesAtHand(body)
  if (bytes !== undefined) return ended(response, bytes)
  response.flushHeaders()
  try {
    await pump(body, response)
  } catch (cause) {
    // No final chunk: the client must see that the message is not complete.
    response.destroy()
    throw cause
  }
  const trailers = body.trailers()
  if (trailers.length > 0) response.addTrailers(pairs(trailers))
  return ended(response)
}

function ended(response: ServerResponse, bytes?: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    // Its events are past.
    if (response.destroyed) return reject(new Error('the client went away'))
    response.once('finish', resolve)
    response.once('close', () => reject(new Error('the client went away')))
    if (bytes === undefined) response.end()
    else response.end(bytes)
  })
}

function headText(line: string, headers: RawHeaders): string {
  let text = `${line}\r\n`
  for (let i = 0; i < headers.length; i += 2) text += `${headers[i]}: ${headers[i + 1]}\r\n`
  return `${text}\r\n`
}

function pairs(headers: RawHeaders): [string, string][] {
  const out: [string, string][] = []
  for (let i = 0; i < headers.length; i += 2) out.push([headers[i] as string, headers[i + 1] as string])
  return out
}

function versionOf(request: IncomingMessage): HttpVersion {
  return request.httpVersion === '1.0' ? '1.0' : '1.1'
}

const reasons: Record<number, string> = { 100: 'Continue', 102: 'Processing', 103: 'Early Hints' }
