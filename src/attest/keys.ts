import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { SallyportError } from '../core/errors.ts'
import { decodedBase64url } from './base64url.ts'
import { isPrimeOrderPoint } from './point.ts'

/** A new Ed25519 key: the private half as PKCS#8 PEM (RFC 8410), the public one as its 32 bytes (RFC 8032, 5.1.5). */
export function newDeviceKey(): { readonly privatePem: string; readonly publicKey: Buffer } {
  const { privateKey } = generateKeyPairSync('ed25519')
  return {
    privatePem: privateKey.export({ format: 'pem', type: 'pkcs8' }) as string,
    publicKey: publicKeyOf(privateKey),
  }
}

/** The key in a PKCS#8 PEM. Throws `config_invalid` for anything but an Ed25519 private key; the message repeats nothing of it. */
export function privateKeyFrom(pem: string): KeyObject {
  let key: KeyObject | undefined
  try {
    key = createPrivateKey({ key: pem, format: 'pem' })
  } catch {
    // The cause could tell of the key.
  }
  if (key?.asymmetricKeyType === 'ed25519') return key
  throw new SallyportError('config_invalid', 'not an Ed25519 private key in PEM (PKCS#8) without a passphrase', {
    hint: '`sallyport attest keygen --out FILE` makes one.',
  })
}

/** The 32 bytes of the public half. */
export function publicKeyOf(key: KeyObject): Buffer {
  const { x } = (key.type === 'private' ? createPublicKey(key) : key).export({ format: 'jwk' })
  return Buffer.from(x as string, 'base64url')
}

/** How public keys are written: base64url without padding. */
export function publicKeyText(publicKey: Uint8Array): string {
  return Buffer.from(publicKey).toString('base64url')
}

/**
 * The 32 bytes of a public key that stands as base64url or as SPKI PEM (RFC 8410), with or without white space around it. Undefined for
 * anything else, and for encodings that are not canonical or not of a point of prime order (small and mixed order).
 */
export function publicKeyFrom(text: string): Buffer | undefined {
  const trimmed = text.trim()
  if (trimmed.length > MAX_TEXT) return undefined
  const bytes = trimmed.startsWith(PEM_HEAD) ? publicKeyInPem(trimmed) : decodedBase64url(trimmed)
  return bytes !== undefined && isPrimeOrderPoint(bytes) ? bytes : undefined
}

function publicKeyInPem(pem: string): Buffer | undefined {
  try {
    const key = createPublicKey({ key: pem, format: 'pem' })
    return key.asymmetricKeyType === 'ed25519' ? publicKeyOf(key) : undefined
  } catch {
    return undefined
  }
}

// A private key, too, would make a public one.
const PEM_HEAD = '-----BEGIN PUBLIC KEY-----'
const MAX_TEXT = 1_024
