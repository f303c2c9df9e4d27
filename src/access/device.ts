import { SallyportError } from '../core/errors.ts'

/** A device that may attest, as it may be shown. Times are ISO 8601 in UTC with milliseconds; keys base64url of their 32 bytes. */
export type Device = {
  readonly id: string
  readonly owner: string | null
  /** `pending`: not before `notBefore`. */
  readonly state: 'active' | 'pending' | 'expired' | 'revoked'
  readonly publicKey: string
  /** Digests of policy sets; empty: those that the proxy accepts of anybody. */
  readonly policies: readonly string[]
  readonly created: string
  readonly notBefore: string
  readonly expires: string
  readonly revoked: string | null
  /** The key before the last rotation is good until then. */
  readonly overlap: string | null
  readonly lastSeen: string | null
}

/** A device as its attestations are judged. Times in milliseconds since 1970; keys are the 32 bytes of RFC 8032, 5.1.5. */
export type KnownDevice = {
  readonly id: string
  readonly publicKey: Uint8Array
  readonly previous: { readonly publicKey: Uint8Array; readonly until: number } | null
  readonly notBefore: number
  readonly expires: number
  readonly revoked: boolean
  readonly policies: readonly string[]
}

/** A row of the table `devices`. */
export type DeviceRow = {
  readonly id: string
  readonly owner: string | null
  readonly state: 'active' | 'revoked'
  readonly public_key: Buffer
  readonly old_public_key: Buffer | null
  readonly old_until: string | null
  readonly policies: string
  readonly created: string
  readonly not_before: string
  readonly expires: string
  readonly revoked: string | null
  readonly last_seen: string | null
}

/** The device of a row, as it stands at a time. */
export function deviceOf(row: DeviceRow, at: string): Device {
  return {
    id: row.id,
    owner: row.owner,
    state: stateOf(row, at),
    publicKey: row.public_key.toString('base64url'),
    policies: policiesOf(row),
    created: row.created,
    notBefore: row.not_before,
    expires: row.expires,
    revoked: row.revoked,
    overlap: row.old_until !== null && row.old_until > at ? row.old_until : null,
    lastSeen: row.last_seen,
  }
}

/** What of a row says how attestations are judged. */
export type KnownRow = Pick<
  DeviceRow,
  'id' | 'state' | 'public_key' | 'old_public_key' | 'old_until' | 'policies' | 'not_before' | 'expires'
>

/** Throws `ledger_corrupt` for a row that says no times: what cannot be read is good for nothing. */
export function knownDevice(row: KnownRow): KnownDevice {
  return {
    id: row.id,
    publicKey: row.public_key,
    previous:
      row.old_public_key === null || row.old_until === null
        ? null
        : { publicKey: row.old_public_key, until: timeOf(row, row.old_until) },
    notBefore: timeOf(row, row.not_before),
    expires: timeOf(row, row.expires),
    revoked: row.state !== 'active',
    policies: policiesOf(row),
  }
}

function stateOf({ state, not_before: from, expires }: DeviceRow, at: string): Device['state'] {
  if (state === 'revoked') return 'revoked'
  if (expires <= at) return 'expired'
  return from > at ? 'pending' : 'active'
}

function timeOf(row: KnownRow, text: string): number {
  const time = Date.parse(text)
  if (Number.isNaN(time)) throw damaged(row)
  return time
}

/** An empty list means more than a list: what is no list of texts must not be taken for one. */
function policiesOf(row: KnownRow): string[] {
  let policies: unknown
  try {
    policies = JSON.parse(row.policies)
  } catch {
    throw damaged(row)
  }
  if (!Array.isArray(policies) || !policies.every((one) => typeof one === 'string')) throw damaged(row)
  return policies as string[]
}

function damaged({ id }: KnownRow): SallyportError {
  return new SallyportError('ledger_corrupt', `the device ${id} cannot be read from the ledger`, {
    hint: 'Revoke it, and enrol it anew.',
  })
}
