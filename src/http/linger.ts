import type { IncomingMessage } from 'node:http'

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
