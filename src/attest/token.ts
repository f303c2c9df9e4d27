import { decodedBase64url } from './base64url.ts'
import { isDeviceId } from './device-id.ts'
import { jsonObjectIn } from './json-object.ts'

/** The claims of a Sallyport-Attestation by their names on the wire (RFC 7519); times in seconds since 1970. */
export type Claims = {
  /** The device; the header's `kid` is the same. */
  readonly iss: string
  /** The name of the proxy that it is made for. */
  readonly aud: string
  readonly iat: number
  /** More than `iat`, by 120 at most. */
  readonly exp: number
  /** 16 random bytes in base64url. */
  readonly jti: string
  /** `host:port` of the CONNECT that carries it. */
  readonly authority: string
  /** Digest of the policy set that will be applied; letters, digits and `: . _ -`, 128 at most. */
  readonly policy: string
  /** Version of the program that signs: printable ASCII, 128 characters at most. */
  readonly ver: string
}

export type Token = {
  readonly claims: Claims
  /** RFC 7519, 4.1.5: where it stands it counts. */
  readonly notBefore: number
  /** What is signed (RFC 7515, 5.1): everything in front of the last dot. */
  readonly signed: Buffer
  /** 64 bytes. */
  readonly signature: Buffer
}

/**
 * A compact JWS (RFC 7515, 7.1) with EdDSA (RFC 8037), read strictly; undefined for whatever is not exactly that. Base64url has one
 * spelling, no JSON name stands twice, every claim is there and of its type. Fields and claims that we do not know are ignored
 * (RFC 7515, 4) unless they are critical.
 */
export function parseToken(text: string): Token | undefined {
  if (text.length > MAX_LENGTH) return undefined
  const parts = text.split('.')
  if (parts.length !== 3) return undefined
  const [head, payload, signature] = parts.map(decodedBase64url)
  if (head === undefined || payload === undefined || signature?.length !== 64) return undefined
  const header = jsonObjectIn(head)
  const claims = jsonObjectIn(payload)
  if (header === undefined || claims === undefined || !isHeader(header) || !areClaims(claims)) return undefined
  if (header.kid !== claims.iss) return undefined
  const { iss, aud, iat, exp, jti, authority, policy, ver, nbf = 0 } = claims
  const signed = Buffer.from(text.slice(0, text.lastIndexOf('.')), 'latin1')
  return { claims: { iss, aud, iat, exp, jti, authority, policy, ver }, notBefore: nbf, signed, signature }
}

/** Whether claims are such that `parseToken` takes them. */
export function areClaims(claims: Readonly<Record<string, unknown>>): claims is Claims & { readonly nbf?: number } {
  const { iss, aud, iat, exp, jti, authority, policy, ver, nbf = 0 } = claims
  return (
    isText(iss) &&
    isDeviceId(iss) &&
    isText(aud) &&
    isText(authority) &&
    fits(jti, JTI) &&
    fits(policy, POLICY) &&
    fits(ver, VERSION) &&
    isTime(iat) &&
    isTime(exp) &&
    isTime(nbf) &&
    exp > iat &&
    exp - iat <= MAX_LIFE_S
  )
}

/** No extension is understood, so none may be critical (RFC 7515, 4.1.11; RFC 7797 for `b64`). */
function isHeader(header: Readonly<Record<string, unknown>>): boolean {
  return header.alg === 'EdDSA' && typeof header.kid === 'string' && !('crit' in header) && !('b64' in header)
}

const isText = (value: unknown): value is string =>
  typeof value === 'string' && value.length > 0 && value.length <= MAX_TEXT
const isTime = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0
const fits = (value: unknown, grammar: RegExp): value is string => typeof value === 'string' && grammar.test(value)

/** The longest life of a token, in seconds. */
export const MAX_LIFE_S = 120
// 22 characters hold 132 bits: the last one has four that are zero.
const JTI = /^[A-Za-z0-9_-]{21}[AQgw]$/
const POLICY = /^[A-Za-z0-9][A-Za-z0-9:._-]{0,127}$/
const VERSION = /^[\x20-\x7e]{1,128}$/
const MAX_LENGTH = 2_048
// The longest host has 253 characters, and a port is added.
const MAX_TEXT = 260
