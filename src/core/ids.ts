import { randomFillSync } from 'node:crypto'

export type ExchangeId = string & { readonly brand: 'exchange' }
export type ConnectionId = string & { readonly brand: 'connection' }
export type EventId = string & { readonly brand: 'event' }
export type KeyId = string & { readonly brand: 'key' }

export const newExchangeId = (now: number): ExchangeId => uuidv7(now) as ExchangeId
export const newConnectionId = (now: number): ConnectionId => uuidv7(now) as ConnectionId
export const newEventId = (now: number): EventId => uuidv7(now) as EventId
export const newKeyId = (now: number): KeyId => uuidv7(now) as KeyId

/** A time-ordered UUID (RFC 9562, 5.7) for `now` in milliseconds since 1970. */
export function uuidv7(now: number): string {
  if (used + 10 > pool.length) {
    randomFillSync(pool)
    used = 0
  }
  const random = pool.toString('hex', used, used + 10)
  used += 10
  const time = now.toString(16).padStart(12, '0')
  const variant = (8 + (Number.parseInt(random.charAt(3), 16) & 3)).toString(16)
  return `${time.slice(0, 8)}-${time.slice(8)}-7${random.slice(0, 3)}-${variant}${random.slice(4, 7)}-${random.slice(7, 19)}`
}

// Random bytes are drawn in blocks: a call of randomFillSync costs more than the id.
const pool = Buffer.alloc(2_560)
let used = pool.length
