import { once } from 'node:events'
import { connect, isIP, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect as connectTls, type SecureContext } from 'node:tls'
import { reasonOf } from './reasons.ts'
import { SinkError } from './sink.ts'

/**
 * When frames count as delivered. Syslog has no answers, so `close` gives each delivery a connection of its own, ends it, and waits until
 * the receiver ends it too: it has then read everything. `flush`, for receivers that never do, keeps one connection and is content when the
 * system has taken the bytes; what was sent last is sent again when the connection turns out to have broken.
 */
export type Confirmation = 'close' | 'flush'

export type StreamTerms = {
  readonly at: { readonly host: string; readonly port: number }
  /** With it, TLS. */
  readonly secureContext?: SecureContext
  readonly confirm: Confirmation
  /** For a delivery, connection included. */
  readonly timeoutMs: number
}

export type SyslogStream = {
  /** One delivery at a time. Throws `SinkError`, and what the signal was aborted with. */
  readonly send: (frames: Buffer, signal: AbortSignal) => Promise<void>
  readonly close: () => Promise<void>
}

export function syslogStream(terms: StreamTerms): SyslogStream {
  const { confirm, timeoutMs, at } = terms
  let kept: Connection | undefined
  let unconfirmed: Buffer = Buffer.alloc(0)

  const flushing = async (frames: Buffer, over: AbortSignal): Promise<void> => {
    const broken = kept !== undefined && !isUp(kept.socket)
    if (kept === undefined || broken) kept = await opened(terms, over)
    const { socket } = kept
    await flush(socket, broken ? Buffer.concat([unconfirmed, frames]) : frames, over)
    // The answer to what cannot be delivered.
    await sleep(SETTLE_MS, undefined, { signal: over })
    if (!isUp(socket)) throw failureOf(socket)
    unconfirmed = frames
  }
  const closing = async (frames: Buffer, over: AbortSignal): Promise<void> => {
    const connection = await opened(terms, over)
    try {
      await finish(connection, frames, over)
    } finally {
      connection.socket.destroy()
    }
  }

  const send: SyslogStream['send'] = async (frames, signal) => {
    signal.throwIfAborted()
    const over = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
    try {
      await (confirm === 'close' ? closing : flushing)(frames, over)
    } catch (cause) {
      kept?.socket.destroy()
      signal.throwIfAborted()
      const reason = over.aborted ? lateReason(terms) : reasonOf(cause)
      throw new SinkError(`cannot deliver to ${at.host}:${at.port}: ${reason}`, { cause })
    }
  }
  const close = async (): Promise<void> => {
    const connection = kept
    kept = undefined
    if (connection === undefined) return
    if (isUp(connection.socket))
      await finish(connection, Buffer.alloc(0), AbortSignal.timeout(CLOSE_MS)).catch(() => {})
    connection.socket.destroy()
  }
  return { send, close }
}

type Connection = { readonly socket: Socket; readonly openMs: number }

/** A connection that is verified, if it is TLS. What the receiver says on it is thrown away. */
async function opened({ at, secureContext }: StreamTerms, over: AbortSignal): Promise<Connection> {
  const begun = performance.now()
  const servername = isIP(at.host) === 0 ? at.host : ''
  const socket =
    secureContext === undefined
      ? connect(at)
      : connectTls({ ...at, servername, secureContext, rejectUnauthorized: true })
  try {
    await once(socket, secureContext === undefined ? 'connect' : 'secureConnect', { signal: over })
  } catch (cause) {
    socket.on('error', () => {})
    socket.destroy()
    throw cause
  }
  // Its 'close' tells what is to be known.
  socket.on('error', () => {})
  socket.setKeepAlive(true, KEEPALIVE_MS).setNoDelay(true).resume()
  return { socket, openMs: performance.now() - begun }
}

/** Sends all, ends, and waits until the receiver has ended the connection too. */
async function finish({ socket, openMs }: Connection, frames: Buffer, over: AbortSignal): Promise<void> {
  await flush(socket, frames, over)
  // Who turns a client away after the handshake, or an address after the connection, does it now; later it could not be told from the
  // end of one who has read everything.
  await sleep(SETTLE_MS + 2 * openMs, undefined, { signal: over })
  if (!isUp(socket)) throw failureOf(socket)
  await new Promise<void>((resolve, reject) => {
    let ended = false
    const stop = (): unknown => socket.destroy()
    socket.once('end', () => (ended = true))
    socket.once('close', () => {
      over.removeEventListener('abort', stop)
      if (ended && socket.errored === null) resolve()
      else reject(failureOf(socket))
    })
    over.addEventListener('abort', stop, { once: true })
    socket.end()
  })
}

/** Resolves when the system has taken all. */
async function flush(socket: Socket, frames: Buffer, over: AbortSignal): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const stop = (): unknown => socket.destroy()
    const lost = (): void => reject(failureOf(socket))
    over.addEventListener('abort', stop, { once: true })
    socket.once('close', lost)
    socket.write(frames, (cause) => {
      over.removeEventListener('abort', stop)
      socket.off('close', lost)
      if (cause === null || cause === undefined) resolve()
      else reject(cause)
    })
  })
}

const isUp = (socket: Socket): boolean => !socket.destroyed && !socket.readableEnded && socket.writable
const failureOf = (socket: Socket): Error =>
  socket.errored ?? Object.assign(new Error('closed early'), { code: 'ECONNRESET' })

function lateReason({ confirm, timeoutMs }: StreamTerms): string {
  const hint = confirm === 'close' ? '; a receiver that never ends a connection needs `confirm: flush`' : ''
  return `not done within ${timeoutMs} ms${hint}`
}

const SETTLE_MS = 30
const CLOSE_MS = 2_000
const KEEPALIVE_MS = 30_000
