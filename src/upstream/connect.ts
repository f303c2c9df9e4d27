import type { Socket } from 'node:net'
import type { SecureContext, TLSSocket } from 'node:tls'
import { SallyportError } from '../core/errors.ts'
import { dialTcp, startTls } from './dial.ts'
import type { Guard } from './guard.ts'
import type { Origin } from './origin.ts'

export type Connector = {
  /** A plain connection, for tunnels and plain HTTP. */
  readonly tcp: (origin: { host: string; port: number }, signal?: AbortSignal) => Promise<Socket>
  /** A connection ready for HTTP: TLS when the scheme says so, offering `alpn`. */
  readonly http: (origin: Origin, alpn: readonly string[], signal?: AbortSignal) => Promise<Socket | TLSSocket>
}

/** Dials origins: guard, then TCP, then TLS with session resumption. `isOwn` names our own listeners, which are never dialled. */
export function connector(options: {
  readonly guard: Guard
  readonly trust: () => SecureContext
  readonly connectTimeoutMs: number
  readonly isOwn: (address: string, port: number) => boolean
}): Connector {
  const sessions = new Map<string, Buffer>()

  const tcp: Connector['tcp'] = async ({ host, port }, signal) => {
    const route = await options.guard(host, port)
    if (route.addresses.some((address) => options.isOwn(address, route.port))) {
      throw new SallyportError('loop_detected', `${host}:${port} is Sallyport itself`)
    }
    return dialTcp(host, route, {
      connectTimeoutMs: options.connectTimeoutMs,
      ...(signal === undefined ? {} : { signal }),
    })
  }

  const http: Connector['http'] = async (origin, alpn, signal) => {
    const socket = await tcp(origin, signal)
    if (origin.scheme === 'http') return socket
    const key = `${origin.host}:${origin.port} ${alpn.join()}`
    const secure = await startTls(socket, origin.host, {
      context: options.trust(),
      alpn,
      session: sessions.get(key),
      connectTimeoutMs: options.connectTimeoutMs,
      ...(signal === undefined ? {} : { signal }),
    })
    secure.on('session', (session: Buffer) => remember(sessions, key, session))
    return secure
  }

  return { tcp, http }
}

function remember(sessions: Map<string, Buffer>, key: string, session: Buffer): void {
  sessions.delete(key)
  sessions.set(key, session)
  if (sessions.size > rememberedSessions) sessions.delete(sessions.keys().next().value as string)
}

const rememberedSessions = 500
