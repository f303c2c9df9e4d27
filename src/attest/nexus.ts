import { createHash } from 'node:crypto'
import { decodedBase64url } from './base64url.ts'
import { isDeviceId } from './device-id.ts'

export type Nexus = {
  readonly device: string
  /** Seconds since 1970. */
  readonly ts: number
  /** 32 hex digits, lower case. */
  readonly nonce: string
  /** SHA-256 of the body, 64 hex digits, lower case. */
  readonly hash: string
  readonly signed: Buffer
  /** 64 bytes. */
  readonly signature: Buffer
}

/** An X-Nexus-Attestation; undefined for whatever does not have the six fields, each once, in the order in which they are signed. */
export function parseNexus(text: string): Nexus | undefined {
  if (text.length > MAX_LENGTH) return undefined
  const match = FORM.exec(text)
  if (match === null) return undefined
  const [, ts, nonce, hash, device, sig] = match as unknown as [string, string, string, string, string, string]
  const signature = decodedBase64url(sig)
  if (signature?.length !== 64 || !isDeviceId(device)) return undefined
  return { device, ts: Number(ts), nonce, hash, signed: nexusSigned({ ts, nonce, hash, device }), signature }
}

/** The five lines that are signed, each ended by LF. */
export function nexusSigned(fields: {
  readonly ts: number | string
  readonly nonce: string
  readonly hash: string
  readonly device: string
}): Buffer {
  const { ts, nonce, hash, device } = fields
  return Buffer.from(`v1\nts=${ts}\nnonce=${nonce}\nhash=sha256:${hash}\nagent_id=${device}\n`, 'latin1')
}

/** What `hash` must be for a body; for one of unknown length, or of more than 8 MiB, that of nothing. */
export function nexusHash(body: Uint8Array = new Uint8Array()): string {
  return createHash('sha256').update(body).digest('hex')
}

const FORM =
  /^v1;ts=(0|[1-9]\d{0,11});nonce=([0-9a-f]{32});hash=sha256:([0-9a-f]{64});agent_id=([A-Za-z0-9._-]{1,64});sig=([A-Za-z0-9_-]{86})$/
const MAX_LENGTH = 512
