import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto'
import type { CipherGCM, DecipherGCM } from 'node:crypto'
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib'

// A sealed body, in a file or (as base64) in a column:
//   "SPB" · version 1 · length of the key's id (1 byte) · the id · fingerprint of the key (8) · nonce (12)
//   · AES-256-GCM of the zstd frame · tag (16)
// The associated data is all that stands before the ciphertext, then the exchange's id, a NUL and the side: what was sealed for one place
// opens in no other, so that contents cannot be swapped.

export type Side = 'request' | 'response'

/** A window of 1 MiB bounds the memory of each stream; larger ones gain little on text. */
export const zstdParams = { [constants.ZSTD_c_compressionLevel]: 1, [constants.ZSTD_c_windowLog]: 20 }

/** A key of `audit.encryption`: 32 bytes, and the name that rows and sealed bodies know it by. */
export type SealKey = { readonly id: string; readonly key: Uint8Array }

/** Whose body it is. */
export type BodyPlace = { readonly id: string; readonly side: Side }

/** What comes before the ciphertext, then the ciphertext in pieces, then its last bytes with the tag. */
export type Sealer = {
  readonly head: Buffer
  readonly update: (plain: Uint8Array) => Buffer
  readonly final: () => Buffer
}

/** Seals one zstd frame. */
export function sealer({ id, key }: SealKey, place: BodyPlace): Sealer {
  // Nonces are random, anew for each body and each try to write it, and never derived from what could come again after a crash. By
  // NIST SP 800-38D, 8.3, that is good for 2^32 bodies under one key; then two of the same would have to be feared (chance 2^-32).
  const nonce = randomBytes(NONCE_BYTES)
  const name = Buffer.from(id, 'latin1')
  const head = Buffer.concat([MAGIC, Buffer.of(name.length), name, fingerprintOf(key), nonce])
  const cipher: CipherGCM = createCipheriv('aes-256-gcm', key, nonce)
  cipher.setAAD(bound(head, place))
  return {
    head,
    update: (plain) => cipher.update(plain),
    final: () => Buffer.concat([cipher.final(), cipher.getAuthTag()]),
  }
}

/** A whole body, compressed and sealed. */
export function sealed(key: SealKey, place: BodyPlace, content: Uint8Array): Buffer {
  const seal = sealer(key, place)
  return Buffer.concat([seal.head, seal.update(zstdCompressSync(content, { params: zstdParams })), seal.final()])
}

export type SealHead = {
  readonly keyId: string
  readonly fingerprint: Buffer
  readonly nonce: Buffer
  /** All bytes before the ciphertext. */
  readonly bytes: Buffer
}

/** Reads the beginning of a sealed body; `MAX_HEAD_BYTES` always hold it. Undefined when it is none. */
export function readSealHead(start: Uint8Array): SealHead | undefined {
  const all = Buffer.from(start.buffer, start.byteOffset, start.byteLength)
  const nameLength = all[MAGIC.length] ?? 0
  const nameAt = MAGIC.length + 1
  const end = nameAt + nameLength + FINGERPRINT_BYTES + NONCE_BYTES
  if (nameLength === 0 || all.length < end || !all.subarray(0, MAGIC.length).equals(MAGIC)) return undefined
  const printAt = nameAt + nameLength
  return {
    keyId: all.toString('latin1', nameAt, printAt),
    fingerprint: all.subarray(printAt, printAt + FINGERPRINT_BYTES),
    nonce: all.subarray(printAt + FINGERPRINT_BYTES, end),
    bytes: all.subarray(0, end),
  }
}

/** Why a sealed body cannot be opened although nothing is wrong with it. */
export type NoKey = { readonly kind: 'no-key'; readonly keyId: string; readonly other: boolean }

/** The key that a head asks for. `other`: there is a key of this name, but it is not the one. */
export function keyFor(head: SealHead, keys: readonly SealKey[]): SealKey | NoKey {
  const key = keys.find(({ id }) => id === head.keyId)
  if (key !== undefined && fingerprintOf(key.key).equals(head.fingerprint)) return key
  return { kind: 'no-key', keyId: head.keyId, other: key !== undefined }
}

/** Opens what `sealer` made, piece by piece; nothing of it is true before `final` has returned, which throws when one bit is not as it was. */
export function unsealer(
  head: SealHead,
  { key }: SealKey,
  place: BodyPlace,
  tag: Uint8Array,
): { readonly update: (sealed: Uint8Array) => Buffer; readonly final: () => Buffer } {
  const decipher: DecipherGCM = createDecipheriv('aes-256-gcm', key, head.nonce, { authTagLength: TAG_BYTES })
  decipher.setAAD(bound(head.bytes, place))
  decipher.setAuthTag(tag)
  return { update: (some) => decipher.update(some), final: () => decipher.final() }
}

/** The content of a whole sealed body; throws when it was altered or holds more than `maxBytes`. */
export function unsealed(
  body: Uint8Array,
  keys: readonly SealKey[],
  place: BodyPlace,
  maxBytes: number,
): Buffer | NoKey {
  const head = readSealHead(body)
  if (head === undefined || body.length < head.bytes.length + TAG_BYTES) throw new Error('not a sealed body')
  const key = keyFor(head, keys)
  if ('kind' in key) return key
  const opening = unsealer(head, key, place, body.subarray(-TAG_BYTES))
  const frame = Buffer.concat([opening.update(body.subarray(head.bytes.length, -TAG_BYTES)), opening.final()])
  return zstdDecompressSync(frame, { maxOutputLength: maxBytes })
}

/** Names a key without telling anything of it. */
export function fingerprintOf(key: Uint8Array): Buffer {
  return createHmac('sha256', key).update('sallyport body key').digest().subarray(0, FINGERPRINT_BYTES)
}

function bound(head: Uint8Array, { id, side }: BodyPlace): Buffer {
  return Buffer.concat([head, Buffer.from(`${id}\0${side}`)])
}

const MAGIC = Buffer.from('SPB\x01', 'latin1')
const FINGERPRINT_BYTES = 8
const NONCE_BYTES = 12
export const TAG_BYTES = 16
export const MAX_HEAD_BYTES = MAGIC.length + 1 + 255 + FINGERPRINT_BYTES + NONCE_BYTES
