import type { Socket } from 'node:net'
import { within } from './limits.ts'
import type { Limits } from './limits.ts'

export type Parsed<T> =
  | { readonly kind: 'more' }
  /** `length` of the bytes were it. */
  | { readonly kind: 'done'; readonly value: T; readonly length: number }

/**
 * Reads from a socket until `parse`, which gets all bytes so far, has what it wants; the bytes beyond stay on the socket for its next
 * reader. What `parse` throws, or `broken` for a connection that fails or ends before, ends it.
 */
export function receive<T>(
  socket: Socket,
  limits: Limits,
  late: string,
  parse: (bytes: Buffer) => Parsed<T>,
  broken: (why: Error | 'end') => Error,
): Promise<T> {
  return within(limits, late, (resolve, reject) => {
    let bytes: Buffer = Buffer.alloc(0)
    const stop = (): void => {
      socket.off('readable', read).off('end', ended).off('close', ended).off('error', failed)
    }
    const fail = (error: Error): void => {
      stop()
      reject(error)
    }
    const ended = (): void => fail(broken('end'))
    const failed = (error: Error): void => fail(broken(error))
    const read = (): void => {
      for (let chunk = socket.read() as Buffer | null; chunk !== null; chunk = socket.read() as Buffer | null) {
        bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk])
        try {
          const parsed = parse(bytes)
          if (parsed.kind === 'more') continue
          stop()
          if (parsed.length < bytes.length) socket.unshift(bytes.subarray(parsed.length))
          return resolve(parsed.value)
        } catch (error) {
          return fail(error as Error)
        }
      }
    }
    // Not `data`: after it the socket would have to be paused, and its next reader would not know.
    socket.on('readable', read).on('end', ended).on('close', ended).on('error', failed)
    return stop
  })
}
