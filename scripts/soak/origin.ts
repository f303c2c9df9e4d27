// The origins of the soak: TLS with HTTP/2 and HTTP/1.1, plain HTTP, and plain bytes sent back. Run as a child; says by IPC its ports, and in the end what it saw.
import { createServer as createHttp1, IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createHttp2, type Http2ServerRequest } from 'node:http2'
import { createServer as createTcp, type AddressInfo, type Server, type Socket } from 'node:net'
import { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { createServer as createTls } from 'node:tls'
import { WebSocketServer } from 'ws'
import { secret } from './scenario.ts'

type Asked = IncomingMessage | Http2ServerRequest
/** On HTTP/2 it is Node's Http2ServerResponse, which has these same methods (and `stream`). */
type Answering = ServerResponse & { readonly stream?: Http2ServerRequest['stream'] }
type Act = (response: Answering, request: Asked) => unknown

/** Paths of requests; a path holds the number of its request. */
const seen: string[] = []
let leaks = 0

const acts: Readonly<Record<string, Act>> = {
  echo: async (response, request) => {
    const body = await whole(request)
    response.writeHead(200, { 'content-type': request.headers['content-type'] ?? 'text/plain' }).end(body)
  },
  events: async (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    for (let i = 0; i < 20 && !response.destroyed; i++) {
      response.write(`data: {"i":${i}}\n\n`)
      await delay(i % 4 === 0 ? 30 : 1)
    }
    response.end('data: [DONE]\n\n')
  },
  large: (response, request) => {
    // Node resets the stream of a request that nobody read, and may lose the end of its answer.
    request.resume()
    response.writeHead(200, { 'content-type': 'text/plain', 'content-length': String(64 * block.length) })
    Readable.from(Array.from({ length: 64 }, () => block)).pipe(response)
  },
  failure: (response) => void response.writeHead(500, { 'content-type': 'text/plain' }).end('no'),
  late: async (response) => {
    await delay(300)
    response.end('late')
  },
  early: (response) => void response.writeHead(413, { 'content-type': 'text/plain' }).end('too large'),
  silence: () => undefined,
  hints: (response) => {
    response.writeEarlyHints({ link: '</a>; rel=preload' })
    response.end('hinted')
  },
  reset: (response, request) => cut(response, request),
  truncated: (response, request) => {
    response.writeHead(200, { 'content-type': 'text/plain', 'content-length': '1000' }).write('a part')
    setTimeout(() => cut(response, request), 10)
  },
  cut: (response, request) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: a part\n\n')
    setTimeout(() => cut(response, request), 10)
  },
  garbage: (response, request) => {
    if (request instanceof IncomingMessage) request.socket.end('NONSENSE\0\r\n\r\n')
    else request.stream.session?.socket.destroy()
    void response
  },
  goaway: (response, request) => {
    if (!(request instanceof IncomingMessage)) request.stream.session?.goaway()
    response.setHeader('content-type', 'text/plain')
    response.end('last words')
  },
  both: async (response, request) => {
    response.writeHead(200, { 'content-type': 'application/grpc' })
    for await (const piece of request) response.write(piece)
    if (response.stream === undefined) return response.end()
    response.addTrailers({ 'grpc-status': '0' })
    response.end()
  },
}

function serve(request: Asked, response: Answering): void {
  const url = request.url ?? ''
  seen.push(url)
  request.on('error', () => {})
  response.on('error', () => {})
  const [, , what = ''] = url.split('/')
  void Promise.resolve((acts[what] ?? acts['failure'])?.(response, request)).catch(() => undefined)
}

async function whole(request: Asked): Promise<Buffer> {
  const pieces: Buffer[] = []
  for await (const piece of request) pieces.push(piece as Buffer)
  const body = Buffer.concat(pieces)
  if (body.includes(secret)) leaks++
  return body
}

function cut(response: Answering, request: Asked): void {
  if (response.stream !== undefined) response.stream.close(2)
  else if (request instanceof IncomingMessage) request.socket.destroy()
}

function echoBytes(socket: Socket): void {
  socket.on('error', () => {}).pipe(socket)
}

function listen(server: Server): Promise<number> {
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => {}).on('close', () => sockets.delete(socket))
  })
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', 1_024, () => resolve((server.address() as AddressInfo).port))
  })
}

async function start(identity: { cert: string; key: string }): Promise<void> {
  const http1 = createHttp1({ requestTimeout: 0, keepAliveTimeout: 7_000 }, serve)
  const http2 = createHttp2((request, response) => serve(request, response as unknown as Answering))
  const sockets = new WebSocketServer({ noServer: true })
  http1.on('upgrade', (request, socket, head) => {
    seen.push(request.url ?? '')
    sockets.handleUpgrade(request, socket, head, (one) => {
      one.on('error', () => {}).on('message', (data, binary) => one.send(data, { binary }))
    })
  })
  http2.on('sessionError', () => {})
  const tls = createTls({ ...identity, ALPNProtocols: ['h2', 'http/1.1'] }, (socket) => {
    socket.on('error', () => {})
    if (socket.alpnProtocol === 'h2') http2.emit('connection', socket)
    else http1.emit('connection', socket)
  })
  tls.on('tlsClientError', () => {})
  const ports = {
    tls: await listen(tls),
    plain: await listen(createTcp((socket) => void http1.emit('connection', socket))),
    bytes: await listen(createTcp({ allowHalfOpen: true }, echoBytes)),
  }
  process.send?.({ ports })
}

const sockets = new Set<Socket>()
const block = Buffer.alloc(65_536, 'large ')

process.on('message', (message: { identity?: { cert: string; key: string } }) => {
  if (message.identity !== undefined) void start(message.identity)
  else process.send?.({ seen, leaks })
})
process.on('disconnect', () => process.exit(0))
