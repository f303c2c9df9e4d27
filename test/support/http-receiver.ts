import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createSecureServer, type ServerOptions } from 'node:https'
import type { AddressInfo } from 'node:net'
import { gunzipSync } from 'node:zlib'
import { freePorts } from './free-ports.ts'

/** A POST as it came; `body` after its Content-Encoding. */
export type Received = { readonly path: string; readonly headers: IncomingHttpHeaders; readonly body: Buffer }

/** An answer; or the connection is cut, at once or behind half an answer; or nothing ever comes. */
export type Reply =
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: string | Buffer }
  | 'cut'
  | 'half'
  | 'silence'

/** A receiver that speaks HTTP and is strict: what breaks its rules is answered with 400 and remembered. */
export type HttpReceiver = {
  readonly url: string
  readonly port: number
  readonly seen: readonly Received[]
  /** What broke the rules. A test that expects none looks at it. */
  readonly faults: string[]
  /** Answers that are given before the receiver's own. What they answer was not taken. */
  readonly replies: Reply[]
  /** Connections so far. */
  readonly connections: () => number
  readonly [Symbol.asyncDispose]: () => Promise<void>
}

export type ReceiverOptions = { readonly port?: number; readonly tls?: ServerOptions }

/** `take` answers, and throws for what breaks the rules. */
export async function httpReceiver(
  take: (received: Received) => Reply,
  { port = 0, tls }: ReceiverOptions = {},
): Promise<HttpReceiver> {
  const [seen, faults, replies] = [[] as Received[], [] as string[], [] as Reply[]]
  let connections = 0
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const received = await whole(request)
    seen.push(received)
    let reply = replies.shift()
    try {
      if (request.method !== 'POST') throw new Error(`it came by ${request.method}`)
      reply ??= take(received)
    } catch (thrown) {
      faults.push(`${received.path}: ${String(thrown)}`)
      reply = { status: 400, body: 'breaks the rules' }
    }
    answer(response, reply)
  }
  const listen = (request: IncomingMessage, response: ServerResponse): void => {
    serve(request, response).catch(() => response.destroy())
  }
  const server = tls === undefined ? createServer(listen) : createSecureServer(tls, listen)
  server.on(tls === undefined ? 'connection' : 'secureConnection', () => (connections += 1))
  server.on('tlsClientError', () => {})
  // A port that stays its own, also while it is away.
  server.listen(port === 0 ? (await freePorts(1))[0] : port, '127.0.0.1')
  await once(server, 'listening')
  const bound = (server.address() as AddressInfo).port
  return {
    url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${bound}`,
    port: bound,
    seen,
    faults,
    replies,
    connections: () => connections,
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

async function whole(request: IncomingMessage): Promise<Received> {
  const chunks: Buffer[] = []
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
  const raw = Buffer.concat(chunks)
  const body = request.headers['content-encoding'] === 'gzip' ? gunzipSync(raw) : raw
  return { path: request.url ?? '', headers: request.headers, body }
}

function answer(response: ServerResponse, reply: Reply): void {
  if (reply === 'silence') return
  if (reply === 'cut') return void response.socket?.resetAndDestroy()
  if (reply === 'half') {
    response.writeHead(200, { 'content-length': '100' }).write('half')
    setTimeout(() => response.destroy(), 20)
    return
  }
  response.writeHead(reply.status, reply.headers).end(reply.body)
}

/** JSON that is an object. */
export function objectIn(text: string): Record<string, unknown> {
  const value: unknown = JSON.parse(text)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error('not a JSON object')
  return value as Record<string, unknown>
}

/** Throws unless `holds`. */
export function rule(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(what)
}
