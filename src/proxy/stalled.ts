import type { Socket } from 'node:net'

/**
 * Ends connections whose client takes nothing of what waits for it for `idleMs`: their answers can never be finished, and hold memory here and
 * a place at their origin. Looks at the bytes that wait below TLS, so that it serves every protocol, and costs nothing per request.
 */
export function endStalled(sockets: () => Iterable<Socket>, idleMs: number): { readonly stop: () => void } {
  const waiting = new Map<Socket, { readonly bytes: number; readonly since: number }>()
  const look = (): void => {
    const now = performance.now()
    const before = new Map(waiting)
    waiting.clear()
    for (const socket of sockets()) {
      const bytes = unsent(socket)
      if (bytes === 0) continue
      const last = before.get(socket)
      const since = last?.bytes === bytes ? last.since : now
      if (now - since >= idleMs) socket.destroy()
      else waiting.set(socket, { bytes, since })
    }
  }
  const timer = setInterval(look, Math.min(idleMs / 4, maxEveryMs)).unref()
  return { stop: () => clearInterval(timer) }
}

/** What the system has not taken yet of bytes that were written, also by TLS over this socket; it shrinks as the client reads. */
function unsent(socket: Socket): number {
  const { _handle: handle } = socket as { readonly _handle?: { readonly writeQueueSize?: number } | null }
  return handle?.writeQueueSize ?? socket.writableLength
}

const maxEveryMs = 15_000
