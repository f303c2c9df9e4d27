import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'

/** Milliseconds and bytes. */
export type LingerTerms = { readonly totalMs: number; readonly quietMs: number; readonly bytes: number }

/**
 * When this connection ends after its answer although the request is still being sent, it closes its own side, then reads and drops the
 * rest within bounds (RFC 9112, 9.6): a client that writes its whole body before it reads would get a reset instead of the answer.
 */
export function lingers(request: IncomingMessage, terms: LingerTerms = usual): void {
  const { socket } = request
  let lingering = false
  // What Node calls after the last answer of a connection, and whoever else wants it to end.
  socket.destroySoon = () => {
    if (request.complete || socket.destroyed) return soon(socket)
    if (!lingering) dropUntilEnd(request, terms)
    lingering = true
  }
}

/**
 * Last words on a connection: they end its own side, and what still comes is read and dropped within bounds, because closing with bytes
 * unread resets, and the client would lose the words. Whoever read the socket before gets no more of it: nothing behind is a request.
 */
export function lastWords(socket: Duplex, bytes: string | Uint8Array, terms: LingerTerms = short): void {
  if (socket.destroyed) return
  socket.removeAllListeners('data').removeAllListeners('readable')
  let came = 0
  let before = 0
  const quiet = setInterval(() => {
    if (came === before || came > terms.bytes) socket.destroy()
    before = came
  }, terms.quietMs)
  const total = setTimeout(() => socket.destroy(), terms.totalMs)
  socket.once('close', () => {
    clearInterval(quiet)
    clearTimeout(total)
  })
  // Also one that does not end itself with the client's end.
  const over = (): void => {
    if (socket.readableEnded && socket.writableFinished) socket.destroy()
  }
  socket.once('end', over).end(bytes, over)
  socket.resume()
  // Node's parser, where it has the socket, hears of that in the next tick, and then lets go of it for a listener.
  process.nextTick(() => socket.on('data', (chunk: Uint8Array) => (came += chunk.length)))
}

/** The method of its class again. */
function soon(socket: IncomingMessage['socket']): void {
  delete (socket as { destroySoon?: () => void }).destroySoon
  socket.destroySoon()
}

/** Reads what still comes of a request's body, and drops it; nobody else gets any of it. */
export function dropRest(request: IncomingMessage): void {
  request.removeAllListeners('readable').removeAllListeners('data')
  // The stream takes note of a lost listener in the next tick, and stops then.
  process.nextTick(() => request.resume())
}

function dropUntilEnd(request: IncomingMessage, { totalMs, quietMs, bytes }: LingerTerms): void {
  const { socket } = request
  const most = socket.bytesRead + bytes
  let before = socket.bytesRead
  const quiet = setInterval(() => {
    if (socket.bytesRead === before || socket.bytesRead > most) socket.destroy()
    before = socket.bytesRead
  }, quietMs)
  const total = setTimeout(() => socket.destroy(), totalMs)
  socket.once('close', () => {
    clearInterval(quiet)
    clearTimeout(total)
  })
  request.once('end', () => soon(socket))
  socket.end()
  dropRest(request)
}

const usual: LingerTerms = { totalMs: 30_000, quietMs: 5_000, bytes: 268_435_456 }
const short: LingerTerms = { totalMs: 10_000, quietMs: 2_000, bytes: 67_108_864 }
