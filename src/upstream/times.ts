/** How long an origin may keep us waiting. */
export type UpstreamTimes = {
  /** For the head of an answer, from the last byte of its request. */
  readonly headersTimeoutMs: number
  /** For the next byte, in either direction. */
  readonly idleTimeoutMs: number
}

/** How often to look whether one of them is over. */
export function checkEveryMs({ headersTimeoutMs, idleTimeoutMs }: UpstreamTimes): number {
  return Math.max(shortestMs, Math.min(longestMs, headersTimeoutMs / 4, idleTimeoutMs / 4))
}

/** How long an origin may take to agree to another protocol than HTTP. */
export function handshakeMs({ headersTimeoutMs }: UpstreamTimes): number {
  return Math.min(longestHandshakeMs, headersTimeoutMs)
}

const shortestMs = 10
const longestMs = 1_000
const longestHandshakeMs = 60_000
