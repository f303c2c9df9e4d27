import type { Socket } from 'node:net'
import type { SallyportError } from '../core/errors.ts'
import { lastWords } from '../http/linger.ts'
import type { LingerTerms } from '../http/linger.ts'
import { refusalText } from '../http/refuse.ts'
import { alerts } from '../tls/alert.ts'
import { clientCertificate } from '../tls/client-certificate.ts'
import { intercept } from '../tls/intercept.ts'
import type { ServeTls } from '../tls/serve-tls.ts'
import type { Connection } from './context.ts'
import { canonicalHost } from './target.ts'

/**
 * How a connection begins on a door that takes TLS beside plain HTTP: its first byte tells which. Resolves with the connection to serve, paused;
 * with undefined when it ended before, and then says in `refusal` why.
 */
export async function begun(
  connection: Connection,
  tls: ServeTls,
  { firstByteMs, handshakeMs }: { readonly firstByteMs: number; readonly handshakeMs: number },
): Promise<Connection | undefined> {
  const { socket } = connection
  const first = await firstByte(socket, firstByteMs)
  if (first === 'ended') {
    socket.destroy()
    return undefined
  }
  if (first === 'silent') {
    const fault = { code: 'request_timeout', message: 'no byte in time' } as const
    connection.refusal = fault
    lastWords(socket, refusalText(fault))
    return undefined
  }
  if (first !== handshakeRecord) return connection
  const outcome = await intercept(socket, {
    context: tls.context(),
    alpn: ['http/1.1'],
    timeoutMs: handshakeMs,
    requestCert: tls.asksClients,
  })
  if (outcome.kind === 'failed') {
    const said = outcome.alert === undefined ? outcome.cause : `alert ${outcome.alert}`
    connection.refusal = { code: outcome.code, message: `TLS to the proxy: ${said}` }
    return undefined
  }
  const secured = outcome.socket
  const { servername } = secured as { readonly servername?: unknown }
  const secure = {
    tcp: socket,
    certificate: tls.asksClients ? clientCertificate(secured, Date.now()) : ({ kind: 'none' } as const),
    name: typeof servername === 'string' ? canonicalHost(servername) : undefined,
  }
  return { ...connection, socket: secured, secure }
}

/** Turns a client away that may speak TLS: what it cannot read says nothing to it, so it gets an alert, without a handshake. */
export async function turnedAway(
  socket: Socket,
  error: SallyportError,
  text: string,
  linger?: LingerTerms,
): Promise<void> {
  const first = await firstByte(socket, unwantedMs)
  const alert = error.code === 'client_not_allowed' ? alerts.accessDenied : alerts.internalError
  if (first === 'ended') socket.destroy()
  else lastWords(socket, first === handshakeRecord ? alert : text, linger)
}

/** The TCP connection of a client, whatever it speaks over it. */
export function tcpOf({ socket, secure }: Connection): Socket {
  return secure?.tcp ?? socket
}

/** The first byte, which stays unread; the socket is paused. */
function firstByte(socket: Socket, timeoutMs: number): Promise<number | 'ended' | 'silent'> {
  return new Promise((resolve) => {
    const settle = (first: number | 'ended' | 'silent'): void => {
      clearTimeout(timer)
      socket.off('data', onData).off('end', onEnd).off('close', onEnd)
      socket.pause()
      resolve(first)
    }
    const onData = (chunk: Buffer): void => {
      settle(chunk[0] as number)
      socket.unshift(chunk)
    }
    const onEnd = (): void => settle('ended')
    const timer = setTimeout(() => settle('silent'), timeoutMs)
    socket.on('data', onData).on('end', onEnd).on('close', onEnd)
  })
}

// RFC 8446, 5.1: the content type of a record that holds a ClientHello. No method of HTTP begins with it.
const handshakeRecord = 0x16
const unwantedMs = 1_000
