import { createPrivateKey, randomBytes, sign } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { decodedBase64url } from './base64url.ts'
import { isDeviceId } from './device-id.ts'
import { jsonObjectIn } from './json-object.ts'
import { publicKeyOf, publicKeyText } from './keys.ts'
import { signatureCheck } from './signature.ts'

/**
 * A code by which a device enrols itself: its id, a dot, and 32 random bytes, which are an Ed25519 private key of their own. Who gives
 * it out keeps only its public half; the code never travels on, and what does travel is worth nothing to who reads it or stores it.
 */
export function newEnrolmentCode(device: string): { readonly code: string; readonly publicKey: Buffer } {
  const seed = randomBytes(SEED_BYTES)
  return { code: `${device}.${seed.toString('base64url')}`, publicKey: publicKeyOf(privateKeyOf(seed)) }
}

/** The device and the key of a code, white space around it aside; undefined for what is none. */
export function enrolmentCodeFrom(text: string): { readonly device: string; readonly key: KeyObject } | undefined {
  const code = text.trim()
  const dot = code.lastIndexOf('.')
  const device = code.slice(0, Math.max(dot, 0))
  const seed = decodedBase64url(code.slice(dot + 1))
  return seed?.length === SEED_BYTES && isDeviceId(device) ? { device, key: privateKeyOf(seed) } : undefined
}

/** A device that asks to be enrolled with its key. */
export type Enrolment = {
  readonly device: string
  /** 32 bytes; whether they are a key that may be used is not known yet. */
  readonly publicKey: Buffer
  /** By the key of the code, and by that of the device. */
  readonly codeSignature: Buffer
  readonly deviceSignature: Buffer
}

/** The JSON by which a device asks: it has the code, and it has the private half of the key that it gives. */
export function enrolmentRequest(code: { readonly device: string; readonly key: KeyObject }, key: KeyObject): string {
  const publicKey = publicKeyOf(key)
  const signed = statement(code.device, publicKeyOf(code.key), publicKey)
  const signatureOf = (by: KeyObject): string => sign(null, signed, by).toString('base64url')
  return JSON.stringify({
    device: code.device,
    publicKey: publicKeyText(publicKey),
    codeSignature: signatureOf(code.key),
    deviceSignature: signatureOf(key),
  })
}

/** Reads what `enrolmentRequest` writes; undefined for whatever is not exactly that. */
export function readEnrolment(bytes: Uint8Array): Enrolment | undefined {
  const { device, publicKey, codeSignature, deviceSignature, ...rest } = jsonObjectIn(bytes) ?? {}
  if (typeof device !== 'string' || !isDeviceId(device) || Object.keys(rest).length > 0) return undefined
  const key = bytesIn(publicKey, 32)
  const byCode = bytesIn(codeSignature, 64)
  const byDevice = bytesIn(deviceSignature, 64)
  if (key === undefined || byCode === undefined || byDevice === undefined) return undefined
  return { device, publicKey: key, codeSignature: byCode, deviceSignature: byDevice }
}

/** Whether the asking device has the code with this public half, and the key that it gives. */
export async function isProved(enrolment: Enrolment, codeKey: Uint8Array): Promise<boolean> {
  const { device, publicKey, codeSignature, deviceSignature } = enrolment
  const signed = statement(device, codeKey, publicKey)
  const fits = signatureCheck()
  // The code first: its key is ours, the other one may be anything.
  return (await fits(signed, codeSignature, codeKey)) && (await fits(signed, deviceSignature, publicKey))
}

/** What both sign. It begins like nothing else that these keys sign. */
function statement(device: string, codeKey: Uint8Array, publicKey: Uint8Array): Buffer {
  const lines = ['Sallyport enrolment v1', device, publicKeyText(codeKey), publicKeyText(publicKey), '']
  return Buffer.from(lines.join('\n'), 'latin1')
}

function bytesIn(value: unknown, length: number): Buffer | undefined {
  const bytes = typeof value === 'string' ? decodedBase64url(value) : undefined
  return bytes?.length === length ? bytes : undefined
}

/** PKCS#8 of an Ed25519 private key is a fixed beginning and the seed (RFC 8410, 7). */
function privateKeyOf(seed: Uint8Array): KeyObject {
  return createPrivateKey({ key: Buffer.concat([PKCS8_HEAD, seed]), format: 'der', type: 'pkcs8' })
}

const PKCS8_HEAD = Buffer.from('302e020100300506032b657004220420', 'hex')
const SEED_BYTES = 32
