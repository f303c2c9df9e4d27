import type { Socket } from 'node:net'
import type { SecureContext, TLSSocket } from 'node:tls'
import { lru } from '../lib/lru.ts'
import { startTls } from './dial.ts'
import type { Limits } from './limits.ts'

/** A context for handshakes; `id` tells contexts apart that show different client certificates. */
export type Identified = { readonly id: string; readonly context: SecureContext }

/** TLS with a host over an open connection. */
export type Secure = (
  socket: Socket,
  to: { readonly host: string; readonly port: number },
  alpn: readonly string[],
  limits: Limits,
) => Promise<TLSSocket>

/** TLS with session resumption. A session belongs to one host, port, list of protocols and client certificate. */
export function resuming(contextFor: (host: string) => Identified): Secure {
  const sessions = lru<string, Buffer>({ max: rememberedSessions })
  return async (socket, { host, port }, alpn, limits) => {
    const { id, context } = contextFor(host)
    const key = `${id} ${host}:${port} ${alpn.join()}`
    const secure = await startTls(socket, host, { ...limits, context, alpn, session: sessions.peek(key) })
    secure.on('session', (session: Buffer) => sessions.set(key, session))
    return secure
  }
}

const rememberedSessions = 500
