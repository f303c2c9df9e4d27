import { createSocket, type Socket } from 'node:dgram'
import { lookup } from 'node:dns/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { reasonOf } from './reasons.ts'
import { SinkError } from './sink.ts'

export type DatagramTerms = {
  readonly at: { readonly host: string; readonly port: number }
  readonly signal: AbortSignal
  readonly timeoutMs: number
}

/**
 * One datagram for each message (RFC 5426, 3.1), slowly enough for the buffer of a receiver. UDP says nothing of their arrival: only that
 * nobody listens is told, by the other machine, and thrown.
 */
export async function sendDatagrams(messages: readonly Buffer[], terms: DatagramTerms): Promise<void> {
  const { at, signal, timeoutMs } = terms
  const over = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
  let socket: Socket | undefined
  let failure: unknown
  try {
    const { address, family } = await lookup(at.host)
    socket = createSocket(family === 6 ? 'udp6' : 'udp4')
    socket.on('error', (cause) => (failure = cause))
    // A connected socket is told what ICMP says.
    await connected(socket, at.port, address)
    let burst = 0
    for (const message of messages) {
      over.throwIfAborted()
      await sent(socket, message)
      burst += message.length
      if (burst < BURST_BYTES) continue
      burst = 0
      await sleep(PAUSE_MS, undefined, { signal: over })
    }
    await sleep(ICMP_MS, undefined, { signal: over })
    if (failure !== undefined) throw failure
  } catch (cause) {
    signal.throwIfAborted()
    const reason = over.aborted ? `not done within ${timeoutMs} ms` : reasonOf(cause)
    throw new SinkError(`cannot deliver to ${at.host}:${at.port}: ${reason}`, { cause })
  } finally {
    socket?.close()
  }
}

const connected = (socket: Socket, port: number, address: string): Promise<void> =>
  new Promise((resolve, reject) => {
    socket.once('error', reject)
    socket.connect(port, address, () => {
      socket.off('error', reject)
      resolve()
    })
  })

const sent = (socket: Socket, message: Buffer): Promise<void> =>
  new Promise((resolve, reject) => socket.send(message, (cause) => (cause === null ? resolve() : reject(cause))))

// Half of the buffer that Linux gives a socket, as long as nobody asks for more.
const BURST_BYTES = 98_304
const PAUSE_MS = 10
const ICMP_MS = 25
