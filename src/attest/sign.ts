import { randomBytes, sign } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { SallyportError } from '../core/errors.ts'
import { areClaims } from './token.ts'
import type { Claims } from './token.ts'

/** A compact JWS with EdDSA. Throws `config_invalid` for claims that no verifier would take. */
export function signToken({ claims, key }: { readonly claims: Claims; readonly key: KeyObject }): string {
  if (!areClaims(claims)) throw new SallyportError('config_invalid', 'the claims do not make an attestation')
  const signed = `${encoded({ alg: 'EdDSA', kid: claims.iss })}.${encoded(claims)}`
  return `${signed}.${sign(null, Buffer.from(signed, 'latin1'), key).toString('base64url')}`
}

export type Attestor = (authority: string) => {
  /** The value of the header field. It is a secret until it is spent. */
  readonly header: string
  readonly jti: string
  readonly policy: string
}

/** Makes a fresh token for each CONNECT; `authority` is the CONNECT's target. `now` is in milliseconds. */
export function attestor(options: {
  readonly key: KeyObject
  readonly device: string
  readonly audience: string
  readonly version: string
  readonly now: () => number
  /** Digest of the policy set in force. */
  readonly policy: () => string
}): Attestor {
  const { key, device, audience, version } = options
  return (authority) => {
    const jti = newJti()
    const policy = options.policy()
    const iat = Math.floor(options.now() / 1_000)
    const claims = { iss: device, aud: audience, iat, exp: iat + LIFE_S, jti, authority, policy, ver: version }
    return { header: signToken({ claims, key }), jti, policy }
  }
}

/** 16 random bytes in base64url. */
export function newJti(): string {
  return randomBytes(16).toString('base64url')
}

function encoded(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

const LIFE_S = 60
