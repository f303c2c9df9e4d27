import type { Socket } from 'node:net'
import type { SecureContext, TLSSocket } from 'node:tls'
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
  const sessions = new Map<string, Buffer>()
  return async (socket, { host, port }, alpn, limits) => {
    const { id, context } = contextFor(host)
    const key = `${id} ${host}:${port} ${alpn.join()}`
    const secure = await startTls(socket, host, { ...limits, context, alpn, session: sessions.get(key) })
    secure.on('session', (session: Buffer) => remember(sessions, key, session))
    return secure
  }
}

function remember(sessions: Map<string, Buffer>, key: string, session: Buffer): void {
  sessions.delete(key)
  sessions.set(key, session)
  if (sessions.size > rememberedSessions) sessions.delete(sessions.keys().next().value as string)
}

const rememberedSessions = 500
