import type { RawHeaders } from '../core/http.ts'
import { isSameAuthority } from './authority.ts'
import { parseNexus } from './nexus.ts'
import { headerOfForm } from './outcome.ts'
import type { Form, Outcome } from './outcome.ts'
import { parseToken } from './token.ts'

/** An attestation that could be read, with what both forms have in common; times in milliseconds since 1970. */
export type Presented = {
  readonly device: string
  /** The JWS's jti, or the nonce. */
  readonly jti: string
  readonly policy: string | null
  readonly version: string | null
  /** The first moment at which it is taken, and the first at which it is not any more. */
  readonly from: number
  readonly until: number
  readonly signed: Uint8Array
  readonly signature: Uint8Array
  /** What is wrong with whom and where it is made for. */
  readonly misdirected: Outcome | undefined
  /** SHA-256 of the request body, in hex, where that is signed. */
  readonly hash: string | null
}

/** The header field among those of the given forms; `value` is undefined where there is more than one. */
export function attestationIn(
  headers: RawHeaders,
  forms: readonly Form[],
): { readonly form: Form | null; readonly value: string | undefined } | undefined {
  const found: { form: Form; value: string }[] = []
  for (let i = 0; i < headers.length; i += 2) {
    const name = (headers[i] as string).toLowerCase()
    const form = forms.find((some) => headerOfForm[some] === name)
    if (form !== undefined) found.push({ form, value: headers[i + 1] as string })
  }
  const [first] = found
  if (first === undefined) return undefined
  if (found.length === 1) return first
  return { form: found.every(({ form }) => form === first.form) ? first.form : null, value: undefined }
}

/** Reads a Sallyport-Attestation for a proxy of that name that is asked for that authority. */
export function presentedToken(text: string, audience: string, authority: string): Presented | undefined {
  const token = parseToken(text)
  if (token === undefined) return undefined
  const { claims, signed, signature } = token
  const wrong = claims.aud !== audience ? 'wrong_audience' : undefined
  return {
    device: claims.iss,
    jti: claims.jti,
    policy: claims.policy,
    version: claims.ver,
    from: (Math.max(claims.iat, token.notBefore) - SKEW_S) * 1_000,
    until: (claims.exp + SKEW_S) * 1_000,
    signed,
    signature,
    misdirected: wrong ?? (isSameAuthority(claims.authority, authority) ? undefined : 'wrong_authority'),
    hash: null,
  }
}

/** Reads an X-Nexus-Attestation: it names neither policy nor version nor where it may be used. */
export function presentedNexus(text: string): Presented | undefined {
  const nexus = parseNexus(text)
  if (nexus === undefined) return undefined
  const { device, nonce, ts, signed, signature, hash } = nexus
  const from = (ts - NEXUS_SKEW_S) * 1_000
  // Its seconds are whole: the last one counts to its end.
  const until = (ts + NEXUS_SKEW_S + 1) * 1_000
  return {
    device,
    jti: nonce,
    policy: null,
    version: null,
    from,
    until,
    signed,
    signature,
    misdirected: undefined,
    hash,
  }
}

const SKEW_S = 30
const NEXUS_SKEW_S = 300
