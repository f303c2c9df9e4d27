import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'

/** A new secret of a virtual key: `sp-` and 43 base64url characters of 32 random bytes. */
export function newSecret(): string {
  return `sp-${randomBytes(32).toString('base64url')}`
}

/** Whether the text has the form of a secret. The form is no secret. */
export function isSecretShaped(text: string): boolean {
  return SHAPE.test(text)
}

export type SecretHash = (secret: string) => Buffer

/** HMAC-SHA256 under the key file of the data folder: without it the stored values cannot even be tested for a guess. */
export function secretHash(key: Uint8Array): SecretHash {
  if (key.length !== KEY_BYTES) throw new RangeError(`the key for secrets has ${key.length} bytes, not ${KEY_BYTES}`)
  return (secret) => createHmac('sha256', key).update(secret).digest()
}

/** Equality that takes the same time wherever the texts differ. */
export function sameText(a: string, b: string): boolean {
  return timingSafeEqual(createHash('sha256').update(a).digest(), createHash('sha256').update(b).digest())
}

const SHAPE = /^sp-[A-Za-z0-9_-]{43}$/
const KEY_BYTES = 32
