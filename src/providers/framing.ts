import { SallyportError } from '../core/errors.ts'
import { gather } from '../lib/gather.ts'
import { SseFrameTooLarge, sseFramer } from '../lib/sse.ts'

/** Cuts a stream into events whose bytes put together are the input. */
export type Framer = {
  readonly push: (chunk: Uint8Array) => Uint8Array[]
  readonly end: () => Uint8Array | undefined
}

/** Server-sent events. */
export function sseEvents(maxEventBytes: number): Framer {
  const framer = sseFramer(maxEventBytes)
  return {
    push: (chunk) => {
      try {
        return framer.push(chunk).map((frame) => frame.bytes)
      } catch (cause) {
        throw cause instanceof SseFrameTooLarge ? tooLarge(cause) : cause
      }
    },
    end: () => framer.end()?.bytes,
  }
}

/** Lines, each with its line feed. */
export function lineEvents(maxEventBytes: number): Framer {
  return byteEvents(maxEventBytes, (byte) => byte === lf)
}

/**
 * The elements of one JSON array, each as soon as it ends and with what stands before it, then the closing bracket. Only
 * brackets and strings are followed: whether it is JSON is the reader's question.
 */
export function arrayEvents(maxEventBytes: number): Framer {
  let depth = 0
  // The depth at which an event ends: an answer that is one object, as an error, is one event.
  let floor = -1
  let inString = false
  let escaped = false
  return byteEvents(maxEventBytes, (byte) => {
    if (escaped) escaped = false
    else if (inString) {
      if (byte === quote) inString = false
      else escaped = byte === backslash
    } else if (byte === quote) inString = true
    else if (byte === bracket || byte === brace) {
      depth++
      if (floor < 0) floor = byte === bracket ? 1 : 0
    } else if (byte === bracket + 2 || byte === brace + 2) {
      depth--
      return depth <= floor
    }
    return false
  })
}

/** A framer from a function that says, byte after byte, whether an event ends with it. */
function byteEvents(maxEventBytes: number, ends: (byte: number) => boolean): Framer {
  const held = gather()
  return {
    push: (chunk) => {
      const events: Uint8Array[] = []
      let from = 0
      for (let at = 0; at < chunk.length; at++) {
        if (!ends(chunk[at] as number)) continue
        events.push(held.take(chunk.subarray(from, at + 1)))
        from = at + 1
      }
      if (from === chunk.length) return events
      if (held.size() + chunk.length - from > maxEventBytes) throw tooLarge()
      held.hold(chunk.subarray(from))
      return events
    },
    end: () => (held.size() === 0 ? undefined : held.take(empty)),
  }
}

function tooLarge(cause?: unknown): SallyportError {
  return new SallyportError('sallyport_too_large', 'an event of the answer is larger than can be held', { cause })
}

const empty = new Uint8Array(0)
const lf = 10
const quote = 34
const backslash = 92
const bracket = 91
const brace = 123
