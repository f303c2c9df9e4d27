import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { createHash, timingSafeEqual } from 'node:crypto'

/** What the process can say of itself. `reasons` make it not ready; `warnings` do not. */
export type Health = {
  readonly ready: boolean
  readonly reasons: readonly string[]
  readonly warnings: readonly string[]
  readonly facts: Readonly<Record<string, unknown>>
}

export type ConsoleParts = {
  readonly health: () => Promise<Health> | Health
  readonly metrics: () => Promise<{ readonly contentType: string; readonly body: string }>
  readonly token: () => string
  /** Whether the listening address is loopback: then metrics need no token. */
  readonly local: boolean
  /** Enrols a device that shows that it has a code; given the body of its request. */
  readonly enroll: (
    body: Uint8Array,
    clientIp: string,
  ) => Promise<{ readonly status: number; readonly body: object; readonly retryAfterSeconds?: number }>
}

/** The console door: health, readiness, metrics, and where devices enrol themselves. */
export function consoleDoor(parts: ConsoleParts): Server {
  return createServer({ requestTimeout: 10_000, headersTimeout: 10_000 }, (request, response) => {
    answer(parts, request, response).catch(() => response.destroy())
  })
}

async function answer(parts: ConsoleParts, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = (request.url ?? '/').split('?')[0] as string
  if (path === '/enroll') return enrolled(parts, request, response)
  if (request.method !== 'GET' && request.method !== 'HEAD')
    return send(response, 405, { error: 'method_not_allowed' }, { allow: 'GET, HEAD' })
  const route = routes[path]
  if (route === undefined) return send(response, 404, { error: 'not_found' })
  return route(parts, request, response)
}

type Route = (parts: ConsoleParts, request: IncomingMessage, response: ServerResponse) => Promise<void>

const routes: Record<string, Route | undefined> = {
  '/': async (_parts, _request, response) =>
    send(response, 200, { name: 'sallyport', see: ['/healthz', '/readyz', '/metrics'] }),
  '/healthz': async (_parts, _request, response) => send(response, 200, { status: 'alive' }),
  '/readyz': async (parts, _request, response) => {
    const { ready, reasons, warnings, facts } = await parts.health()
    send(response, ready ? 200 : 503, { status: ready ? 'ready' : 'not ready', reasons, warnings, ...facts })
  },
  '/metrics': async (parts, request, response) => {
    if (!parts.local && !hasToken(request, parts.token()))
      return send(response, 401, { error: 'token_required' }, { 'www-authenticate': 'Bearer realm="sallyport"' })
    const { contentType, body } = await parts.metrics()
    response.writeHead(200, { 'content-type': contentType, 'content-length': Buffer.byteLength(body) })
    response.end(body)
  },
}

async function enrolled(parts: ConsoleParts, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.method !== 'POST') return send(response, 405, { error: 'method_not_allowed' }, { allow: 'POST' })
  // A page in a browser may not send this type to another origin without asking.
  if (!/^application\/json\s*(?:;|$)/i.test(request.headers['content-type'] ?? ''))
    return send(response, 415, { error: 'unsupported_media_type' }, { connection: 'close' })
  const given = await bodyOf(request, MOST_ENROLMENT_BYTES)
  if (given === undefined) return send(response, 413, { error: 'too_large' }, { connection: 'close' })
  const { status, body, retryAfterSeconds } = await parts.enroll(given, request.socket.remoteAddress ?? '')
  const later: Record<string, string> = retryAfterSeconds === undefined ? {} : { 'retry-after': `${retryAfterSeconds}` }
  send(response, status, body, later)
}

/** Undefined when there is more of it. */
async function bodyOf(request: IncomingMessage, most: number): Promise<Buffer | undefined> {
  const pieces: Buffer[] = []
  let length = 0
  for await (const piece of request.iterator({ destroyOnReturn: false })) {
    length += (piece as Buffer).length
    if (length > most) return undefined
    pieces.push(piece as Buffer)
  }
  return Buffer.concat(pieces)
}

function send(response: ServerResponse, status: number, value: object, headers: Record<string, string> = {}): void {
  const body = `${JSON.stringify(value)}\n`
  response.writeHead(status, {
    'content-type': 'application/json',
    'cache-control': 'no-store',
    'content-length': Buffer.byteLength(body),
    ...headers,
  })
  response.end(body)
}

function hasToken(request: IncomingMessage, token: string): boolean {
  const given = /^Bearer (\S+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? ''
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
  return token !== '' && timingSafeEqual(digest(given), digest(token))
}

const MOST_ENROLMENT_BYTES = 4_096
