import { isUtf8 } from 'node:buffer'

export type CloseRead =
  /** `code` is undefined for an empty payload (1005 to an application). */
  | { readonly kind: 'close'; readonly code: number | undefined; readonly reason: string }
  | { readonly kind: 'invalid'; readonly reason: string; readonly close: number }

/** What a Close frame says (RFC 6455, 5.5.1 and 7.4). */
export function readClose(payload: Buffer): CloseRead {
  if (payload.length === 0) return { kind: 'close', code: undefined, reason: '' }
  if (payload.length === 1) return { kind: 'invalid', reason: 'a close code has two bytes', close: 1002 }
  const code = payload.readUInt16BE(0)
  if (!mayBeSent(code)) return { kind: 'invalid', reason: 'a close code that nobody may send', close: 1002 }
  const reason = payload.subarray(2)
  if (!isUtf8(reason)) return { kind: 'invalid', reason: 'the close reason is not UTF-8', close: 1007 }
  return { kind: 'close', code, reason: reason.toString('utf8') }
}

// 1004 is reserved; 1005, 1006 and 1015 are for applications to hear, not to be sent. 1012 to 1014 came with IANA's registry.
function mayBeSent(code: number): boolean {
  if (code >= 3_000) return code < 5_000
  return code >= 1_000 && code <= 1_014 && (code < 1_004 || code > 1_006)
}
