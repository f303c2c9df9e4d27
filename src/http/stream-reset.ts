import { constants } from 'node:http2'
import type { Http2Stream } from 'node:http2'

/** That the peer reset a stream (RFC 9113, 6.4), with its code; the cause of the error that ends what the stream carried. */
export class StreamReset extends Error {
  readonly code: number

  constructor(code: number) {
    super(`the stream was reset with ${nameOf(code)}`)
    this.name = 'StreamReset'
    this.code = code
  }
}

/** The code by which a stream is reset because of an error: the one that its other side was reset with, where it was. */
export function resetCode(error: unknown): number {
  for (let cause = error; cause instanceof Error; cause = cause.cause)
    if (cause instanceof StreamReset && cause.code !== constants.NGHTTP2_NO_ERROR) return cause.code
  return constants.NGHTTP2_INTERNAL_ERROR
}

/** What has come on a stream. */
export type Coming = {
  /** Whether the peer has ended its side with END_STREAM. */
  readonly whole: () => boolean
  readonly bytes: () => number
}

/**
 * Makes a stream that is reset fail, also when it is with NO_ERROR: Node lets it end as if the message were whole (RFC 9113, 8.1: only
 * END_STREAM ends a message). `fault` makes of it what readers are told.
 */
export function endsOnlyWhole(stream: Http2Stream, fault = (reset: StreamReset): Error => reset): Coming {
  const push = stream.push
  let whole = false
  let bytes = 0
  stream.push = (chunk: unknown, encoding?: BufferEncoding): boolean => {
    if (chunk !== null) bytes += (chunk as Uint8Array).length
    else if (!whole) {
      // Node closes a stream that was reset before it ends its readable side, and is not through with it yet.
      if (stream.closed) {
        process.nextTick(() => stream.destroy(fault(new StreamReset(stream.rstCode))))
        return false
      }
      whole = true
    }
    return push.call(stream, chunk, encoding)
  }
  return { whole: () => whole, bytes: () => bytes }
}

/** The name of an error code (RFC 9113, 7). */
export function nameOf(code: number): string {
  return names[code] ?? `code ${code}`
}

const names: readonly string[] = [
  'NO_ERROR',
  'PROTOCOL_ERROR',
  'INTERNAL_ERROR',
  'FLOW_CONTROL_ERROR',
  'SETTINGS_TIMEOUT',
  'STREAM_CLOSED',
  'FRAME_SIZE_ERROR',
  'REFUSED_STREAM',
  'CANCEL',
  'COMPRESSION_ERROR',
  'CONNECT_ERROR',
  'ENHANCE_YOUR_CALM',
  'INADEQUATE_SECURITY',
  'HTTP_1_1_REQUIRED',
]
