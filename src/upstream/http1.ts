import type { Socket } from 'node:net'
import { Readable } from 'node:stream'
import { Pool } from 'undici'
import type { Dispatcher } from 'undici'
import { SallyportError } from '../core/errors.ts'
import type { Answer, RawHeaders, Request } from '../core/http.ts'
import { bytesAtHand, sourceOf, streamBody } from '../http/body.ts'
import { contentLength, endToEnd } from '../http/headers.ts'
import type { Connector, Origin } from './connect.ts'
import { upstreamFault } from './faults.ts'

export type Sending = {
  readonly signal: AbortSignal
  readonly inform: (status: number, headers: RawHeaders) => void
}

export type Http1 = {
  readonly send: (origin: Origin, request: Request, sending: Sending) => Promise<Answer>
  /** Takes a connection that negotiated HTTP/1.1 when HTTP/2 was offered too. */
  readonly adopt: (origin: Origin, socket: Socket) => void
  readonly close: () => Promise<void>
}

export type UpstreamTimes = { readonly headersTimeoutMs: number; readonly idleTimeoutMs: number }

/** HTTP/1.1 to origins: one undici pool per origin, the least used closed when there are too many. */
export function http1(connect: Connector, times: UpstreamTimes): Http1 {
  const pools = new Map<string, Pool>()
  const spare = new Map<string, Socket[]>()

  const open = (origin: Origin, key: string): Pool =>
    new Pool(`${origin.scheme}://${bracketed(origin.host)}:${origin.port}`, {
      connect: (_options, callback) => {
        const socket = spare.get(key)?.pop()
        if (socket !== undefined && !socket.destroyed) return callback(null, socket)
        connect.http(origin, ['http/1.1']).then(
          (connected) => callback(null, connected),
          (error: Error) => callback(error, null),
        )
      },
      allowH2: false,
      connections: null,
      pipelining: 1,
      maxHeaderSize: 262_144,
      headersTimeout: times.headersTimeoutMs,
      bodyTimeout: times.idleTimeoutMs,
      keepAliveTimeout: 30_000,
      keepAliveMaxTimeout: 600_000,
    })

  const poolOf = (origin: Origin): Pool => {
    const key = keyOf(origin)
    const known = pools.get(key)
    const pool = known ?? open(origin, key)
    if (known !== undefined && pools.size < maxPools / 2) return pool
    pools.delete(key)
    pools.set(key, pool)
    if (pools.size > maxPools) evict(pools)
    return pool
  }

  return {
    send: (origin, request, sending) => dispatch(poolOf(origin), request, sending),
    adopt(origin, socket) {
      const key = keyOf(origin)
      const list = spare.get(key) ?? []
      spare.set(key, list)
      list.push(socket)
      socket.once('close', () => {
        const at = list.indexOf(socket)
        if (at !== -1) list.splice(at, 1)
        if (list.length === 0 && spare.get(key) === list) spare.delete(key)
      })
    },
    async close() {
      for (const list of spare.values()) for (const socket of list) socket.destroy()
      await Promise.all([...pools.values()].map((pool) => pool.destroy()))
    },
  }
}

function evict(pools: Map<string, Pool>): void {
  const [key, pool] = pools.entries().next().value as [string, Pool]
  pools.delete(key)
  pool.close().catch(() => undefined)
}

function dispatch(pool: Pool, request: Request, { signal, inform }: Sending): Promise<Answer> {
  return new Promise((resolve, reject) => {
    let control: Dispatcher.DispatchController | undefined
    let stream: Readable | undefined
    let trailers: RawHeaders = []
    const abort = (): void => control?.abort(new SallyportError('client_aborted', 'the client went away'))
    const over = (): void => signal.removeEventListener('abort', abort)
    const handler: Dispatcher.DispatchHandler = {
      onRequestStart(controller) {
        control = controller
        if (signal.aborted) abort()
      },
      onResponseStart(controller, status, _headers, reason) {
        const headers = rawStrings(controller.rawHeaders)
        if (status < 200) return inform(status, headers)
        stream = new Readable({ read: () => controller.resume(), highWaterMark: 65_536 })
        stream.once('close', () => {
          if (stream?.readableEnded === false) controller.abort(new SallyportError('client_aborted', 'the client went away'))
        })
        const bodiless = request.head.method === 'HEAD' || status === 204 || status === 304
        const body = bodiless ? null : streamBody(stream, contentLength(headers), () => trailers)
        resolve({ head: { status, reason: reason ?? '', headers, version: '1.1' }, body })
      },
      onResponseData(controller, chunk) {
        if (stream?.push(chunk) === false) controller.pause()
      },
      onResponseEnd(controller) {
        over()
        trailers = rawStrings(controller.rawTrailers)
        stream?.push(null)
      },
      onResponseError(_controller, error) {
        over()
        const fault = upstreamFault(error)
        if (stream === undefined) reject(fault)
        else stream.destroy(fault)
      },
    }
    signal.addEventListener('abort', abort)
    const { method, target } = request.head
    pool.dispatch({ method: method as Dispatcher.HttpMethod, path: `${target.path}${target.query}`, headers: endToEnd(request.head.headers), body: bodyOf(request) }, handler)
  })
}

function bodyOf(request: Request): Buffer | Readable | null {
  if (request.body === null) return null
  const bytes = bytesAtHand(request.body)
  if (bytes !== undefined) return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  return sourceOf(request.body) ?? Readable.from(request.body, { objectMode: false })
}

function rawStrings(raw: Dispatcher.DispatchController['rawHeaders']): string[] {
  return Array.isArray(raw) ? raw.map((item) => (typeof item === 'string' ? item : item.toString('latin1'))) : []
}

export function keyOf(origin: Origin): string {
  return `${origin.scheme}://${origin.host}:${origin.port}`
}

export function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host
}

const maxPools = 500
