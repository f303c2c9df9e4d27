import { isUtf8 } from 'node:buffer'
import { longestControl } from './websocket-frame.ts'

/** The codes that we end conversations with, by their names in IANA's registry. */
export const closeCodes = {
  goingAway: 1001,
  protocolError: 1002,
  invalidPayload: 1007,
  policyViolation: 1008,
  tooBig: 1009,
  internalError: 1011,
  tryAgainLater: 1013,
} as const

export type CloseRead =
  /** `code` is undefined for an empty payload (1005 to an application). */
  | { readonly kind: 'close'; readonly code: number | undefined; readonly reason: string }
  | { readonly kind: 'invalid'; readonly reason: string; readonly close: number }

/** What a Close frame says (RFC 6455, 5.5.1 and 7.4). */
export function readClose(payload: Buffer): CloseRead {
  if (payload.length === 0) return { kind: 'close', code: undefined, reason: '' }
  if (payload.length === 1)
    return { kind: 'invalid', reason: 'a close code has two bytes', close: closeCodes.protocolError }
  const code = payload.readUInt16BE(0)
  if (!mayBeSent(code))
    return { kind: 'invalid', reason: 'a close code that nobody may send', close: closeCodes.protocolError }
  const reason = payload.subarray(2)
  if (!isUtf8(reason))
    return { kind: 'invalid', reason: 'the close reason is not UTF-8', close: closeCodes.invalidPayload }
  return { kind: 'close', code, reason: reason.toString('utf8') }
}

/** A Close frame's payload (RFC 6455, 5.5.1); a reason that does not fit is cut at a character. */
export function closePayload(code: number, reason: string): Buffer {
  let text = Buffer.from(reason).subarray(0, longestReason)
  if (Buffer.byteLength(reason) > longestReason) {
    let end = text.length
    while (end > 0 && ((Buffer.from(reason)[end] as number) & 0xc0) === 0x80) end -= 1
    text = text.subarray(0, end)
  }
  const payload = Buffer.alloc(2 + text.length)
  payload.writeUInt16BE(code, 0)
  text.copy(payload, 2)
  return payload
}

/** The code of a valid Close; undefined when it has none. */
export function codeOf(payload: Buffer): number | undefined {
  return payload.length === 0 ? undefined : payload.readUInt16BE(0)
}

// 1004 is reserved; 1005, 1006 and 1015 are for applications to hear, not to be sent. 1012 to 1014 came with IANA's registry.
function mayBeSent(code: number): boolean {
  if (code >= 3_000) return code < 5_000
  return code >= 1_000 && code <= 1_014 && (code < 1_004 || code > 1_006)
}

/** The longest reason of a Close, in bytes. */
export const longestReason = longestControl - 2
