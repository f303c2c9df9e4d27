import { randomBytes, sign } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { newDeviceKey, privateKeyFrom } from '../../src/attest/keys.ts'
import { nexusHash, nexusSigned } from '../../src/attest/nexus.ts'
import { newJti, signToken } from '../../src/attest/sign.ts'
import type { Claims } from '../../src/attest/token.ts'
import type { Terms, VerifierDevice } from '../../src/attest/verify.ts'

/** Milliseconds since 1970; a whole second. */
export const signedAt = 1_800_000_000_000
export const digest = 'd'.repeat(64)
export const terms: Terms = { audience: 'egress-1', policies: ['any'], minVersion: null, reinspect: 0, nexus: true }

export function deviceKey(): { readonly key: KeyObject; readonly publicKey: Buffer } {
  const { privatePem, publicKey } = newDeviceKey()
  return { key: privateKeyFrom(privatePem), publicKey }
}

export function enrolled(publicKey: Uint8Array, changes: Partial<VerifierDevice> = {}): VerifierDevice {
  const life = { notBefore: signedAt - 86_400_000, expires: signedAt + 86_400_000 }
  return { id: 'laptop-7', publicKey, previous: null, ...life, revoked: false, policies: [], ...changes }
}

export function claimsOf(changes: Partial<Claims> = {}): Claims {
  const iat = signedAt / 1_000
  const time = { iat, exp: iat + 60 }
  const target = { aud: 'egress-1', authority: 'api.openai.com:443' }
  return { iss: 'laptop-7', ...target, ...time, jti: newJti(), policy: digest, ver: '0.1.0', ...changes }
}

export function tokenOf(key: KeyObject, changes: Partial<Claims> = {}): string {
  return signToken({ claims: claimsOf(changes), key })
}

/** A compact JWS of whatever header and payload, signed. */
export function jwsOf(key: KeyObject, header: string | Uint8Array, payload: string | Uint8Array): string {
  const signed = `${Buffer.from(header).toString('base64url')}.${Buffer.from(payload).toString('base64url')}`
  return `${signed}.${sign(null, Buffer.from(signed), key).toString('base64url')}`
}

export type NexusFields = {
  readonly ts: number
  readonly nonce: string
  readonly hash: string
  readonly device: string
}

export function nexusOf(key: KeyObject, changes: Partial<NexusFields> = {}): string {
  const nonce = randomBytes(16).toString('hex')
  const fields = { ts: signedAt / 1_000, nonce, hash: nexusHash(), device: 'laptop-7', ...changes }
  const sig = sign(null, nexusSigned(fields), key).toString('base64url')
  return `v1;ts=${fields.ts};nonce=${fields.nonce};hash=sha256:${fields.hash};agent_id=${fields.device};sig=${sig}`
}
