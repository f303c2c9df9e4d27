import { EventEmitter, once } from 'node:events'
import { createServer as createHttp1, IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createHttp2 } from 'node:http2'
import type { Http2ServerRequest, Http2ServerResponse, IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2'
import { createServer as createTcp, type AddressInfo, type Server, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { createServer as createTls, TLSSocket, type TlsOptions } from 'node:tls'
import type { Identity, TestAuthority } from './authority.ts'

/** A request as the origin saw it. */
export type SeenRequest = {
  readonly method: string
  /** The request target as it came. */
  readonly url: string
  /** Names and values, flat, as they came; pseudo-headers too on HTTP/2. */
  readonly headers: readonly string[]
  readonly version: '1.0' | '1.1' | '2'
  readonly sni: string | undefined
  /** What has arrived; whole once `end` is true. */
  body: Buffer
  trailers: readonly string[]
  end: boolean
  /** How the exchange ended for the origin. */
  outcome: 'open' | 'answered' | 'aborted'
  /** The first value of a header, or undefined; `name` in lower case. */
  readonly header: (name: string) => string | undefined
  readonly text: () => string
  readonly json: () => unknown
}

export type OriginRequest = IncomingMessage | Http2ServerRequest
/** On HTTP/2 it is Node's Http2ServerResponse, which has these same methods (and `stream`). */
export type OriginResponse = ServerResponse & { readonly stream?: Http2ServerResponse['stream'] }

/** Answers a request. Called when its body is whole, or with its head when the origin is `early`. What it throws becomes a 500. */
export type OriginHandler = (seen: SeenRequest, response: OriginResponse, request: OriginRequest) => unknown

export type OriginOptions = {
  /** Issues the certificate for `names`; without it the origin speaks plain HTTP. */
  readonly authority?: TestAuthority
  readonly names?: readonly string[]
  /** Instead of a certificate by the authority. */
  readonly identity?: Identity
  /** In the server's order of preference. Default h2, then http/1.1. */
  readonly alpn?: readonly ('h2' | 'http/1.1')[]
  readonly early?: boolean
  readonly tls?: TlsOptions
  /** Upgrades on HTTP/1.1; without it they are refused. */
  readonly onUpgrade?: (request: IncomingMessage, socket: Duplex, head: Buffer) => void
  /** Extended CONNECT on HTTP/2 (RFC 8441); without it the origin does not offer it. */
  readonly onExtendedConnect?: (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void
}

export type Origin = {
  readonly port: number
  /** `127.0.0.1:PORT`, fit for `upstream.resolve`. */
  readonly address: string
  readonly seen: SeenRequest[]
  /** Connections accepted so far. */
  readonly connections: () => number
  /** Connections open now. */
  readonly open: () => number
  /** Answers differently from now on. */
  readonly answer: (handler: OriginHandler) => void
  /** Waits until `count` requests have ended their bodies (or, early, were seen). */
  readonly requests: (count: number) => Promise<readonly SeenRequest[]>
  /** Waits until the request is answered or aborted. */
  readonly settled: (seen: SeenRequest) => Promise<'answered' | 'aborted'>
  readonly close: () => Promise<void>
  readonly [Symbol.asyncDispose]: () => Promise<void>
}

/** Starts an origin on a free loopback port. */
export async function startOrigin(handler: OriginHandler, options: OriginOptions = {}): Promise<Origin> {
  const seen: SeenRequest[] = []
  const sockets = new Set<Socket>()
  const news = new EventEmitter().setMaxListeners(0)
  let answer = handler
  let accepted = 0
  const respond = exchange({ seen, news, early: options.early === true, handler: () => answer })
  const server = listener(options, respond)
  server.on('connection', (socket: Socket) => {
    accepted++
    sockets.add(socket)
    socket.on('error', () => {}).on('close', () => sockets.delete(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const ready = () => (options.early === true ? seen : seen.filter((one) => one.end))
  const close = async () => {
    const closed = once(server, 'close')
    server.close()
    for (const socket of sockets) socket.destroy()
    await closed
  }
  return {
    port,
    address: `127.0.0.1:${port}`,
    seen,
    connections: () => accepted,
    open: () => sockets.size,
    answer: (next) => void (answer = next),
    requests: async (count) => {
      while (ready().length < count) await once(news, 'change')
      return ready().slice(0, count)
    },
    settled: async (one) => {
      while (one.outcome === 'open') await once(news, 'change')
      return one.outcome
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}

function listener(options: OriginOptions, serve: (request: OriginRequest, response: OriginResponse) => void): Server {
  const http1 = createHttp1({ keepAliveTimeout: 0, requestTimeout: 0, headersTimeout: 0 }, serve)
  const { onUpgrade } = options
  if (onUpgrade !== undefined) http1.on('upgrade', (request, socket, head) => onUpgrade(request, socket, head))
  if (options.authority === undefined && options.identity === undefined) {
    return createTcp((socket) => void http1.emit('connection', socket))
  }
  const { onExtendedConnect } = options
  const http2 = createHttp2(
    { settings: { enableConnectProtocol: onExtendedConnect !== undefined } },
    (request, response) => serve(request, response as unknown as OriginResponse),
  )
  http2.on('connect', ({ stream, headers }: Http2ServerRequest) => {
    stream.on('error', () => {})
    onExtendedConnect?.(stream, headers)
  })
  const identity = options.identity ?? options.authority?.issue(options.names ?? ['localhost', '127.0.0.1'])
  const server = createTls({ ...identity, ALPNProtocols: [...(options.alpn ?? ['h2', 'http/1.1'])], ...options.tls })
  server.on('tlsClientError', () => {})
  return server.on('secureConnection', (socket) => {
    socket.on('error', () => {})
    if (socket.alpnProtocol === 'h2') http2.emit('connection', socket)
    else http1.emit('connection', socket)
  })
}

type Scene = {
  readonly seen: SeenRequest[]
  readonly news: EventEmitter
  readonly early: boolean
  readonly handler: () => OriginHandler
}

function exchange({ seen, news, early, handler }: Scene) {
  return (request: OriginRequest, response: OriginResponse) => {
    const one = seenRequest(request)
    const chunks: Buffer[] = []
    seen.push(one)
    const act = () => {
      news.emit('change')
      void answerWith(handler(), one, response, request)
    }
    request.on('data', (chunk: Buffer) => {
      chunks.push(chunk)
      if (early) one.body = Buffer.concat(chunks)
    })
    request.on('end', () => {
      one.body = Buffer.concat(chunks)
      one.trailers = request.rawTrailers
      one.end = true
      if (early) news.emit('change')
      else act()
    })
    request.on('error', () => {})
    response.on('error', () => {})
    const { stream } = response
    response.on('close', () => {
      // Node finishes an HTTP/2 answer whatever ended its stream.
      one.outcome = response.writableFinished && (stream?.rstCode ?? 0) === 0 ? 'answered' : 'aborted'
      news.emit('change')
    })
    if (early) act()
  }
}

async function answerWith(
  handler: OriginHandler,
  one: SeenRequest,
  response: OriginResponse,
  request: OriginRequest,
): Promise<void> {
  try {
    await handler(one, response, request)
  } catch (cause) {
    if (!response.headersSent) response.writeHead(500, { 'content-type': 'text/plain' })
    response.end(`the origin's handler failed: ${String(cause)}`)
  }
}

function seenRequest(request: OriginRequest): SeenRequest {
  const socket = request instanceof IncomingMessage ? request.socket : request.stream.session?.socket
  const headers = request.rawHeaders
  const seen: SeenRequest = {
    method: request.method ?? '',
    url: request.url ?? '',
    headers,
    version: request.httpVersion === '2.0' ? '2' : (request.httpVersion as '1.0' | '1.1'),
    sni: socket instanceof TLSSocket ? (socket as TLSSocket & { servername?: string }).servername : undefined,
    body: Buffer.alloc(0),
    trailers: [],
    end: false,
    outcome: 'open',
    header: (name) => {
      for (let i = 0; i < headers.length; i += 2) if (headers[i]?.toLowerCase() === name) return headers[i + 1]
      return undefined
    },
    text: () => seen.body.toString(),
    json: () => JSON.parse(seen.body.toString()) as unknown,
  }
  return seen
}
