import { randomInt } from 'node:crypto'
import { deviceLookup } from '../access/device-lookup.ts'
import type { DeviceLookup } from '../access/device-lookup.ts'
import { replayGuard } from '../access/replay-guard.ts'
import { createVerifier } from '../attest/verify.ts'
import type { Verifier } from '../attest/verify.ts'
import type { Config } from '../config/schema.ts'
import type { Log } from '../lib/log.ts'
import type { Attestations } from '../proxy/parts.ts'
import { attestationTerms } from './attestation-terms.ts'

/**
 * What the proxy door accepts attestations with: devices and the record of used tokens in the data folder, terms from the configuration as it
 * is at the moment. It lives over reloads: what was used, and who failed too often, stays known.
 */
export function openAttestation(options: {
  readonly dir: string
  readonly config: () => Config
  readonly log: Pick<Log, 'warn'>
}): Attestations & { readonly close: () => void } {
  const { config } = options
  let open: Open | undefined
  const verifier = (): Verifier => (open ??= opened(options)).verifier
  const nameless = seldom(
    (entry: string) => options.log.warn({ entry }, 'attestation.audience is not set'),
    nowAndThenMs,
  )
  // The record of used tokens has to be there before the first of them.
  if (config().attestation.audience !== null) verifier()
  return {
    terms(handling) {
      const terms = attestationTerms(handling, config().attestation)
      if (terms === undefined && handling.attestation?.accept === true) nameless(handling.reason)
      return terms
    },
    inside: () => config().attestation.nexus,
    verifier: {
      connect: (asked) => verifier().connect(asked),
      request: (asked) => verifier().request(asked),
    },
    close: () => open?.close(),
  }
}

type Open = { readonly verifier: Verifier; readonly close: () => void }

function opened({ dir, log }: { readonly dir: string; readonly log: Pick<Log, 'warn'> }): Open {
  const devices = deviceLookup({ dir, now: Date.now })
  const guard = replayGuard({ dir, now: Date.now })
  const unavailable = seldom(
    (because: unknown) => log.warn({ err: because }, 'attestations cannot be verified'),
    soonAgainMs,
  )
  const verifier = createVerifier({
    deviceOf: (id) => found(devices, id, unavailable),
    async spend(token) {
      const spent = await guard.spend(token)
      if (spent === 'unavailable') unavailable(new Error('the record of used tokens cannot be written, or is full'))
      return spent
    },
    seen: devices.seen,
    now: Date.now,
    random: () => randomInt(shares) / shares,
  })
  return {
    verifier,
    close() {
      guard.close()
      devices.close()
    },
  }
}

function found(devices: DeviceLookup, id: string, unavailable: (because: unknown) => void) {
  try {
    return devices.deviceOf(id)
  } catch (thrown) {
    unavailable(thrown)
    throw thrown
  }
}

/** What can happen with every connection is said once in a while. */
function seldom<T>(say: (what: T) => void, everyMs: number): (what: T) => void {
  let last = -Infinity
  return (what) => {
    const now = performance.now()
    if (now - last < everyMs) return
    last = now
    say(what)
  }
}

const soonAgainMs = 10_000
const nowAndThenMs = 3_600_000
const shares = 2 ** 40
