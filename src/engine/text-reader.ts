import { isUtf8 } from 'node:buffer'
import { noAnswerFacts } from '../core/chat.ts'
import type { StreamEvent, StreamReader } from '../providers/provider.ts'

/**
 * Reads any text as a stream of pieces, each as it came, cut only where a UTF-8 sequence is not complete. Bytes that are not
 * UTF-8 turn the rest into latin1, so that nothing is altered.
 */
export function textReader(): StreamReader {
  let rest: Uint8Array = new Uint8Array(0)
  let latin1 = false
  const event = (bytes: Uint8Array, ends: readonly string[]): StreamEvent => {
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    const text = buffer.toString(latin1 ? 'latin1' : 'utf8')
    const place = { start: 0, end: text.length, spelling: [] }
    const part = {
      text,
      place,
      role: 'unknown',
      kind: 'other',
      path: '',
      channel: 'text',
      whole: false,
      fragment: 'text',
    } as const
    return { bytes, text, charset: latin1 ? 'latin1' : 'utf8', parts: text === '' ? [] : [part], ends }
  }
  return {
    push(chunk) {
      const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
      const cut = latin1 ? bytes.length : completeLength(bytes)
      rest = bytes.subarray(cut)
      if (cut === 0) return []
      const ready = bytes.subarray(0, cut)
      if (!latin1 && !isUtf8(ready)) latin1 = true
      return [event(ready, [])]
    },
    end() {
      if (rest.length === 0) return []
      latin1 = true
      return [event(rest, ['*'])]
    },
    facts: () => noAnswerFacts,
  }
}

/** The length of the longest prefix that does not end inside a UTF-8 sequence. */
function completeLength(bytes: Uint8Array): number {
  for (let back = 1; back <= 3 && back <= bytes.length; back += 1) {
    const byte = bytes[bytes.length - back] as number
    if (byte < 0x80) return bytes.length
    if (byte >= 0xc0) return back < (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2) ? bytes.length - back : bytes.length
  }
  return bytes.length
}
