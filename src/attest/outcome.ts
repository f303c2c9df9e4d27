/** What became of an attestation. Everything but `valid` means: inspected like any other. */
export const outcomes = [
  'valid',
  'missing',
  'malformed',
  'bad_signature',
  'unknown_device',
  'revoked',
  'expired',
  'not_yet_valid',
  'wrong_audience',
  'wrong_authority',
  'replayed',
  'policy_not_accepted',
  'reinspected',
  /** Not looked at: too many failures from this address. */
  'rate_limited',
  /** Devices or the replay guard could not be read or written, or there is no room left. */
  'unavailable',
] as const

export type Outcome = (typeof outcomes)[number]

/** `jws` is Sallyport-Attestation, `nexus` is X-Nexus-Attestation. */
export type Form = 'jws' | 'nexus'

/**
 * What is recorded. Device, jti (of the nexus form: the nonce), policy and version are what the header says, in their strict grammar;
 * only with `valid`, `replayed` and `reinspected` has the signature been found to fit.
 */
export type Verdict = {
  readonly outcome: Outcome
  readonly form: Form | null
  readonly device: string | null
  readonly jti: string | null
  readonly policy: string | null
  readonly version: string | null
}

/** Names of the header fields, in lower case. */
export const headerOfForm = {
  jws: 'sallyport-attestation',
  nexus: 'x-nexus-attestation',
} as const satisfies Record<Form, string>
