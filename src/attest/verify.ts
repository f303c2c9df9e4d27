import { timingSafeEqual } from 'node:crypto'
import type { RawHeaders } from '../core/http.ts'
import { failureLimiter } from './failures.ts'
import { nexusHash } from './nexus.ts'
import type { Form, Outcome, Verdict } from './outcome.ts'
import { attestationIn, presentedNexus, presentedToken } from './presented.ts'
import type { Presented } from './presented.ts'
import { signatureCheck } from './signature.ts'
import { turnstile } from './turnstile.ts'
import { isAtLeast } from './version.ts'

/** A device as it is enrolled; times in milliseconds since 1970. */
export type VerifierDevice = {
  readonly id: string
  readonly publicKey: Uint8Array
  /** The key before the last rotation, taken until then. */
  readonly previous: { readonly publicKey: Uint8Array; readonly until: number } | null
  readonly notBefore: number
  readonly expires: number
  readonly revoked: boolean
  /** Digests, or `any`. Empty: all that the terms accept. */
  readonly policies: readonly string[]
}

/** What is accepted for the host. */
export type Terms = {
  /** Our name. */
  readonly audience: string
  /** Digests of policy sets, or `any`. Where the device has a list of its own, both must accept. */
  readonly policies: readonly string[]
  /** The oldest program version; with one the nexus form, which names none, is not accepted. */
  readonly minVersion: string | null
  /** Share of what is valid that is inspected anyway, 0 to 1. */
  readonly reinspect: number
  /** Whether X-Nexus-Attestation counts. */
  readonly nexus: boolean
}

/** An attestation that is about to count; times in milliseconds since 1970. */
export type Spending = {
  readonly device: string
  readonly jti: string
  /** The first moment at which it could be taken, and the first at which it cannot any more. */
  readonly from: number
  readonly until: number
}

type BodyHash = () => Promise<string>

type Asked = { readonly headers: RawHeaders; readonly clientIp: string; readonly terms: Terms }

export type Verifier = {
  /** `authority` is the CONNECT's target, `host:port`. */
  readonly connect: (asked: Asked & { readonly authority: string }) => Promise<Verdict>
  /**
   * The nexus form on a request inside an intercepted connection. `bodyHash` is `nexusHash` of the body (of nothing where its length is
   * unknown or over the limit); it is called once all else but the replay guard has been found good. A rejection of it is passed on.
   */
  readonly request: (asked: Asked & { readonly bodyHash: BodyHash }) => Promise<Verdict>
}

export type VerifierOptions = {
  /** The device as it is enrolled now. May throw: then attestations are `unavailable`. */
  readonly deviceOf: (id: string) => VerifierDevice | undefined
  /** Counts a token once over all processes. */
  readonly spend: (token: Spending) => Promise<'new' | 'replayed' | 'unavailable'>
  /** Hears of devices whose attestation was good. */
  readonly seen: (device: string) => void
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** Unpredictable, at least 0 and below 1. */
  readonly random: () => number
}

/** Says what becomes of attestations: `valid` only when every single thing fits. Cheap checks come first; nothing that fails throws. */
export function createVerifier(options: VerifierOptions): Verifier {
  const failures = failureLimiter(options)
  const fits = signatureCheck()
  const turn = turnstile({ atOnce: AT_ONCE, maxWaiting: MAX_WAITING })

  async function isSigned(
    presented: Presented,
    device: VerifierDevice,
    clientIp: string,
  ): Promise<Outcome | undefined> {
    const release = await turn()
    if (release === undefined) return 'rate_limited'
    try {
      if (!failures.admits(clientIp)) return 'rate_limited'
      for (const key of keysOf(device, options.now()))
        if (await fits(presented.signed, presented.signature, key)) return undefined
      return 'bad_signature'
    } finally {
      release()
    }
  }

  /** All that costs little. */
  function looked(presented: Presented, { terms }: Asked): Outcome | VerifierDevice {
    const early = presented.misdirected ?? untimely(presented, options.now())
    if (early !== undefined) return early
    const device = found(options, presented.device)
    if (typeof device === 'string') return device
    return unfitDevice(device, options.now()) ?? notAccepted(presented, device, terms) ?? device
  }

  async function verified(
    presented: Presented,
    device: VerifierDevice,
    asked: Asked,
    bodyHash: BodyHash,
  ): Promise<Outcome> {
    const unsigned = await isSigned(presented, device, asked.clientIp)
    if (unsigned !== undefined) return unsigned
    if (presented.hash !== null && !isSameHash(presented.hash, await bodyHash())) return 'bad_signature'
    const spent = await spendOnce(options, presented)
    if (spent !== 'new') return spent
    failures.succeeded(asked.clientIp)
    options.seen(device.id)
    return options.random() < asked.terms.reinspect ? 'reinspected' : 'valid'
  }

  async function verdictOn(
    asked: Asked,
    forms: readonly Form[],
    read: (form: Form, text: string) => Presented | undefined,
    bodyHash: BodyHash,
  ): Promise<Verdict> {
    const header = attestationIn(asked.headers, forms)
    if (header === undefined) return verdict('missing', null)
    const { form, value } = header
    if (!failures.admits(asked.clientIp)) return verdict('rate_limited', form)
    const presented = form === null || value === undefined ? undefined : read(form, value)
    const settled = (outcome: Outcome): Verdict => {
      if (costly.has(outcome)) failures.failed(asked.clientIp)
      return verdict(outcome, form, presented)
    }
    if (presented === undefined) return settled('malformed')
    const device = looked(presented, asked)
    if (typeof device === 'string') return settled(device)
    return settled(await verified(presented, device, asked, bodyHash))
  }

  return {
    connect: (asked) =>
      verdictOn(
        asked,
        asked.terms.nexus ? ['jws', 'nexus'] : ['jws'],
        (form, text) =>
          form === 'jws' ? presentedToken(text, asked.terms.audience, asked.authority) : presentedNexus(text),
        () => Promise.resolve(nexusHash()),
      ),
    request: (asked) => verdictOn(asked, ['nexus'], (_, text) => presentedNexus(text), asked.bodyHash),
  }
}

function verdict(outcome: Outcome, form: Form | null, presented?: Presented): Verdict {
  const { device = null, jti = null, policy = null, version = null } = presented ?? {}
  return { outcome, form, device, jti, policy, version }
}

function untimely({ from, until }: Presented, now: number): Outcome | undefined {
  if (now < from) return 'not_yet_valid'
  return now >= until ? 'expired' : undefined
}

function found(options: VerifierOptions, id: string): VerifierDevice | 'unknown_device' | 'unavailable' {
  try {
    return options.deviceOf(id) ?? 'unknown_device'
  } catch {
    return 'unavailable'
  }
}

function unfitDevice(device: VerifierDevice, now: number): Outcome | undefined {
  if (device.revoked) return 'revoked'
  if (now < device.notBefore) return 'not_yet_valid'
  return now < device.expires ? undefined : 'expired'
}

function notAccepted({ policy, version }: Presented, device: VerifierDevice, terms: Terms): Outcome | undefined {
  const accepts = (list: readonly string[]): boolean =>
    list.includes('any') || (policy !== null && list.includes(policy))
  const isPolicyFine = accepts(terms.policies) && (device.policies.length === 0 || accepts(device.policies))
  const isNewEnough = terms.minVersion === null || (version !== null && isAtLeast(version, terms.minVersion))
  return isPolicyFine && isNewEnough ? undefined : 'policy_not_accepted'
}

function keysOf({ publicKey, previous }: VerifierDevice, now: number): Uint8Array[] {
  return previous !== null && now < previous.until ? [publicKey, previous.publicKey] : [publicKey]
}

function isSameHash(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b))
}

async function spendOnce(options: VerifierOptions, presented: Presented): Promise<'new' | 'replayed' | 'unavailable'> {
  const { device, jti, from, until } = presented
  try {
    return await options.spend({ device, jti, from, until })
  } catch {
    return 'unavailable'
  }
}

/** Outcomes that anybody can bring about without a device (by a token that was seen, too), and that cost more than a look at the header. */
const costly: ReadonlySet<Outcome> = new Set(['malformed', 'unknown_device', 'bad_signature', 'replayed'])
// Files and names wait for the same threads: for this many, a few tenths of a millisecond.
const AT_ONCE = 8
const MAX_WAITING = 10_000
