import { createPublicKey, verify } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { lru } from '../lib/lru.ts'
import { L, littleEndian, P } from './point.ts'

/**
 * Verifies Ed25519 (RFC 8032) in the thread pool. There is one rule, whatever the library underneath makes of the edges: S below L,
 * R and A in their canonical encoding, R not of small order, and SB = R + kA without cofactor. That A has no part of small order
 * was seen to when the key was enrolled. What this takes every known rule takes.
 */
export function signatureCheck(): (
  signed: Uint8Array,
  signature: Uint8Array,
  publicKey: Uint8Array,
) => Promise<boolean> {
  const keys = lru<string, KeyObject>({ max: MAX_KEYS })
  const keyFor = (publicKey: Uint8Array): KeyObject => {
    const x = Buffer.from(publicKey).toString('base64url')
    const known = keys.get(x)
    if (known !== undefined) return known
    const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' })
    keys.set(x, key)
    return key
  }
  return (signed, signature, publicKey) => {
    if (publicKey.length !== 32 || !isStrict(signature)) return Promise.resolve(false)
    return new Promise((resolve) => {
      try {
        verify(null, signed, keyFor(publicKey), signature, (error, fits) => resolve(error === null && fits))
      } catch {
        // No key that this library takes.
        resolve(false)
      }
    })
  }
}

/** Whether R and S are such as signing makes them. */
export function isStrict(signature: Uint8Array): boolean {
  if (signature.length !== 64 || littleEndian(signature.subarray(32)) >= L) return false
  const y = littleEndian(signature.subarray(0, 32)) & ((1n << 255n) - 1n)
  return y < P && !smallOrder.has(y)
}

/** The y of the eight points of small order. */
const smallOrder: ReadonlySet<bigint> = new Set([
  0n,
  1n,
  P - 1n,
  0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826n,
  0x7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7n,
])
const MAX_KEYS = 1_000
