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
  let kept: Socket | undefined
  let unconfirmed: Buffer = Buffer.alloc(0)

  const flushing = async (frames: Buffer, over: AbortSignal): Promise<void> => {
    const broken = kept !== undefined && !isUp(kept)
    const socket = kept !== undefined && !broken ? kept : await opened(terms, over)
    kept = socket
    await flush(socket, broken ? Buffer.concat([unconfirmed, frames]) : frames, over)
    unconfirmed = frames
  }
  const closing = async (frames: Buffer, over: AbortSignal): Promise<void> =>
    finish(await opened(terms, over), frames, over)

  const send: SyslogStream['send'] = async (frames, signal) => {
    signal.throwIfAborted()
    const over = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
    try {
      await (confirm === 'close' ? closing : flushing)(frames, over)
    } catch (cause) {
      kept?.destroy()
      signal.throwIfAborted()
      const reason = over.aborted ? lateReason(terms) : reasonOf(cause)
      throw new SinkError(`cannot deliver to ${at.host}:${at.port}: ${reason}`, { cause })
    }
  }
  const close = async (): Promise<void> => {
    const socket = kept
    kept = undefined
    if (socket === undefined || !isUp(socket)) return
    const over = AbortSignal.timeout(CLOSE_MS)
    await finish(socket, Buffer.alloc(0), over).catch(() => {})
  }
  return { send, close }
}

/** A connection that is verified, if it is TLS. What the receiver says on it is thrown away. */
async function opened({ at, secureContext }: StreamTerms, over: AbortSignal): Promise<Socket> {
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
  return socket.setKeepAlive(true, KEEPALIVE_MS).resume()
}

/** Sends all, ends, and waits until the receiver has ended the connection too. */
function finish(socket: Socket, frames: Buffer, over: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    let sent = false
    let ended = false
    const stop = (): unknown => socket.destroy()
    socket.once('finish', () => (sent = true))
    socket.once('end', () => (ended = sent))
    socket.once('close', () => {
      over.removeEventListener('abort', stop)
      if (ended && socket.errored === null) resolve()
      else reject(socket.errored ?? broken())
    })
    over.addEventListener('abort', stop, { once: true })
    if (over.aborted) stop()
    socket.end(frames)
  })
}

/** Sends all, and looks whether the receiver is still there when the system has it. */
async function flush(socket: Socket, frames: Buffer, over: AbortSignal): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const stop = (): unknown => socket.destroy()
    const lost = (): void => reject(socket.errored ?? broken())
    over.addEventListener('abort', stop, { once: true })
    socket.once('close', lost)
    socket.write(frames, (cause) => {
      over.removeEventListener('abort', stop)
      socket.off('close', lost)
      if (cause === null || cause === undefined) resolve()
      else reject(cause)
    })
  })
  await sleep(SETTLE_MS, undefined, { signal: over })
  if (!isUp(socket)) throw socket.errored ?? broken()
}

const isUp = (socket: Socket): boolean => !socket.destroyed && !socket.readableEnded && socket.writable
const broken = (): Error => Object.assign(new Error('closed early'), { code: 'ECONNRESET' })

function lateReason({ confirm, timeoutMs }: StreamTerms): string {
  const hint = confirm === 'close' ? '; a receiver that never ends a connection needs `confirm: flush`' : ''
  return `not done within ${timeoutMs} ms${hint}`
}

// Time for the answer to what cannot be delivered.
const SETTLE_MS = 10
const CLOSE_MS = 2_000
const KEEPALIVE_MS = 30_000
