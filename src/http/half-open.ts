import type { ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'

/**
 * Keeps a connection open for the answer it owes when the client has closed its sending side (RFC 9112, 9.6), which a client that went
 * away for good has done too. Before the answer begins, `100 Continue` tells the two apart: whoever is gone resets the connection. Within
 * the answer its own bytes do; when none come for a while, the client is taken to be gone. Gives what undoes it.
 */
export function halfOpen(socket: Duplex, owed: () => ServerResponse | undefined): () => void {
  const before = socket.allowHalfOpen
  const onEnd = (): void => {
    const answer = owed()
    if (answer !== undefined) probe(socket as Counting, answer, 0)
  }
  socket.allowHalfOpen = true
  socket.on('end', onEnd)
  return () => {
    socket.allowHalfOpen = before
    socket.off('end', onEnd)
  }
}

type Counting = Duplex & { readonly bytesWritten: number }

function probe(socket: Counting, answer: ServerResponse, turn: number): void {
  const waitMs = waits[turn]
  if (socket.destroyed || answer.writableEnded || waitMs === undefined) return
  if (answer.headersSent) return awaitBytes(socket, answer)
  // HTTP/1.0 has no informational answers: such a client is noticed by its answer.
  if (answer.req.httpVersion === '1.0') return
  socket.write('HTTP/1.1 100 Continue\r\n\r\n')
  setTimeout(() => probe(socket, answer, turn + 1), waitMs).unref()
}

function awaitBytes(socket: Counting, answer: ServerResponse): void {
  const { bytesWritten } = socket
  setTimeout(() => {
    if (socket.bytesWritten === bytesWritten && !answer.writableEnded) socket.destroy()
  }, quietMs).unref()
}

// The write after a reset is the one that fails, and a reset takes a round trip.
const waits = [100, 300, 500, 0]
const quietMs = 200
