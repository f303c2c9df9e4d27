import type { Socket } from 'node:net'
import { SallyportError } from '../core/errors.ts'
import type { Body } from '../core/http.ts'
import { drained } from '../http/body.ts'
import { trailerText } from './request-head.ts'

export type BodyWriting = {
  readonly chunked: boolean
  /** Whether the origin still listens; when not, writing stops and the body is left as it is. */
  readonly wanted: () => boolean
  /** Called with every step: whether the client has to send the next piece, or the origin to take the last. */
  readonly turn: (clients: boolean) => void
  /** Called when the whole body has been handed over. */
  readonly written: () => void
}

/**
 * Writes a body that is still arriving, at the origin's pace. Resolves when it is written or nobody wants the rest: it is
 * not ended then, because that would take the client's connection away before it has the answer. Rejects when it breaks off.
 */
export async function sendBody(
  body: Body,
  socket: Socket,
  { chunked, wanted, turn, written }: BodyWriting,
): Promise<void> {
  const iterator = body[Symbol.asyncIterator]()
  let left = body.length ?? Number.POSITIVE_INFINITY
  turn(true)
  for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) {
    if (!wanted()) return
    const bytes = next.value
    left -= bytes.length
    if (left < 0) throw wrongLength()
    if (bytes.length === 0) continue
    const more = chunked ? writeChunk(socket, bytes) : socket.write(bytes)
    turn(false)
    // Before the source says that it has ended: an origin may answer as soon as it has the last byte.
    if (left === 0) written()
    if (!more) await drained(socket)
    turn(left > 0)
  }
  turn(false)
  if (!wanted()) return
  if (!chunked && left !== 0) throw wrongLength()
  if (chunked) socket.write(`0\r\n${trailerText(body.trailers())}`, 'latin1')
  written()
}

/** A head and its body in as few writes as possible. */
export function writeTogether(socket: Socket, text: string, bytes: Uint8Array): void {
  if (bytes.length > copiedBytes) {
    socket.cork()
    socket.write(text, 'latin1')
    socket.write(bytes)
    socket.uncork()
    return
  }
  const together = Buffer.allocUnsafe(text.length + bytes.length)
  together.write(text, 'latin1')
  together.set(bytes, text.length)
  socket.write(together)
}

function writeChunk(socket: Socket, bytes: Uint8Array): boolean {
  socket.cork()
  socket.write(`${bytes.length.toString(16)}\r\n`, 'latin1')
  socket.write(bytes)
  const more = socket.write('\r\n', 'latin1')
  socket.uncork()
  return more
}

function wrongLength(): SallyportError {
  return new SallyportError('internal_error', 'the request body has not the length that was declared')
}

const copiedBytes = 65_536
