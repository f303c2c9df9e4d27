import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto'

/**
 * Where placeholders and their values are kept for other processes and for later turns. It may forget, and it is asked in the midst
 * of inspection: it answers at once, and never throws.
 */
export type Shelf = {
  readonly put: (placeholder: string, sealed: Uint8Array) => void
  readonly find: (placeholder: string) => Uint8Array | undefined
  /** Whether anything was put lately. */
  readonly empty: () => boolean
}

/** Seals values for one vault: AES-256-GCM with a key of its own, bound to the placeholder that stands for the value. */
export type Seal = {
  readonly close: (placeholder: string, value: string) => Uint8Array
  /** Undefined for what was not sealed with this key for this placeholder. */
  readonly open: (placeholder: string, sealed: Uint8Array) => string | undefined
}

export function createSeal(vaultKey: Uint8Array): Seal {
  const key = createHmac('sha256', vaultKey).update('seal').digest()
  return {
    close(placeholder, value) {
      const nonce = randomBytes(NONCE_BYTES)
      const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(placeholder))
      return Buffer.concat([nonce, cipher.update(value, 'utf8'), cipher.final(), cipher.getAuthTag()])
    },
    open(placeholder, sealed) {
      const end = sealed.length - TAG_BYTES
      if (end < NONCE_BYTES) return undefined
      try {
        const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, NONCE_BYTES))
        decipher.setAAD(Buffer.from(placeholder)).setAuthTag(sealed.subarray(end))
        return Buffer.concat([decipher.update(sealed.subarray(NONCE_BYTES, end)), decipher.final()]).toString('utf8')
      } catch {
        return undefined
      }
    },
  }
}

const NONCE_BYTES = 12
const TAG_BYTES = 16
