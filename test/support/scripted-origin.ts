import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { connector, type Connector } from '../../src/upstream/connect.ts'
import { createSecureContext } from 'node:tls'
import { resuming } from '../../src/upstream/secure.ts'
import type { Body, RawHeaders, Request } from '../../src/core/http.ts'
import { bytesBody } from '../../src/http/body.ts'
import { over, type RawClient } from './raw-client.ts'

export type ScriptedOrigin = {
  readonly port: number
  /** Connections accepted so far. */
  readonly connections: () => number
  readonly close: () => void
  readonly [Symbol.asyncDispose]: () => Promise<void>
}

/** A plain origin that says exactly what its script says; `index` counts connections from 0. What a script throws fails the process. */
export async function scriptedOrigin(
  script: (connection: RawClient, index: number) => unknown,
  options: { readonly allowHalfOpen?: boolean } = {},
): Promise<ScriptedOrigin> {
  const sockets = new Set<Socket>()
  let count = 0
  const server = createServer({ noDelay: true, ...options }, (socket) => {
    sockets.add(socket)
    const index = count++
    socket.on('close', () => sockets.delete(socket))
    void script(over(socket), index)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const close = (): void => {
    server.close()
    for (const socket of sockets) socket.destroy()
  }
  return {
    port: (server.address() as AddressInfo).port,
    connections: () => count,
    close,
    [Symbol.asyncDispose]: async () => close(),
  }
}

/** Dials loopback whatever the host; `ca` is trusted, and nothing else. */
export function loopbackConnector(ca?: string): Connector {
  const context = createSecureContext(ca === undefined ? {} : { ca })
  return connector({
    guard: async (_host, port) => ({ addresses: ['127.0.0.1'], port }),
    secure: resuming(() => ({ id: '', context })),
    connectTimeoutMs: 5_000,
    isOwn: () => false,
  })
}

export type Asked = {
  readonly method?: string
  readonly path?: string
  readonly headers?: RawHeaders
  readonly body?: Body | string | null
  readonly host?: string
  readonly scheme?: 'http' | 'https'
  readonly version?: '1.1' | '2'
}

/** A request to an origin on loopback. */
export function requestTo(port: number, asked: Asked = {}): Request {
  const {
    method = 'GET',
    path = '/',
    headers = ['Host', 'origin.test'],
    body = null,
    host = 'origin.test',
    scheme = 'http',
    version = '1.1',
  } = asked
  const target = { scheme, host, port, path, query: '' }
  return {
    head: { method, target, headers, version },
    body: typeof body === 'string' ? bytesBody(Buffer.from(body)) : body,
  }
}

/** The whole of a body, as text. */
export async function textOf(body: Body | null): Promise<string> {
  return body === null ? '' : Buffer.concat(await Array.fromAsync(body)).toString('latin1')
}
