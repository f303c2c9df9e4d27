import { readCodeKey } from '../access/device-codes.ts'
import { openDevices } from '../access/devices.ts'
import type { Redeemed } from '../access/devices.ts'
import { isProved, newEnrolmentCode, readEnrolment } from '../attest/enrolment.ts'
import type { Enrolment } from '../attest/enrolment.ts'
import { failureLimiter } from '../attest/failures.ts'
import { publicKeyFrom, publicKeyText } from '../attest/keys.ts'
import type { Config } from '../config/schema.ts'
import { SallyportError } from '../core/errors.ts'
import { plainAddress } from '../lib/ip.ts'

/** What the console answers a device that asks to be enrolled. */
export type EnrolmentAnswer = { readonly status: number; readonly body: object; readonly retryAfterSeconds?: number }

/**
 * Enrols devices that have a code. Who has none gets one answer, and after the same work, whatever is wrong: nobody learns which devices
 * or codes there are. An address that fails too often is not listened to for a while.
 */
export function enrolmentDesk(
  config: () => Pick<Config, 'data' | 'audit' | 'attestation'>,
  now: () => number = Date.now,
): (body: Uint8Array, clientIp: string) => Promise<EnrolmentAnswer> {
  const failures = failureLimiter({ now })
  const nobodysKey = newEnrolmentCode('nobody').publicKey
  return async (body, clientIp) => {
    if (!failures.admits(clientIp)) return { status: 429, body: { error: 'rate_limited' }, retryAfterSeconds: 1 }
    const enrolment = readEnrolment(body)
    const answer =
      enrolment === undefined
        ? { status: 400, body: { error: 'malformed_request' } }
        : await enrolled({ config: config(), now, nobodysKey }, enrolment, plainAddress(clientIp))
    if (answer.status === 400 || answer.status === 403) failures.failed(clientIp)
    return answer
  }
}

type Desk = {
  readonly config: Pick<Config, 'data' | 'audit' | 'attestation'>
  readonly now: () => number
  /** Stands in where there is no code. */
  readonly nobodysKey: Uint8Array
}

async function enrolled(desk: Desk, enrolment: Enrolment, from: string): Promise<EnrolmentAnswer> {
  const { device, publicKey } = enrolment
  const { dir } = desk.config.data
  try {
    const codeKey = readCodeKey({ dir, device, at: new Date(desk.now()).toISOString() })
    const isGood = await isProved(enrolment, codeKey ?? desk.nobodysKey)
    if (codeKey === undefined || !isGood) return refused
    if (publicKeyFrom(publicKeyText(publicKey)) === undefined) return { status: 400, body: { error: 'malformed_key' } }
    return redeemed(desk, { device, codeKey, publicKey, from })
  } catch (thrown) {
    if (!(thrown instanceof SallyportError)) throw thrown
    return { status: 503, body: { error: thrown.code }, retryAfterSeconds: 5 }
  }
}

function redeemed({ config, now }: Desk, proved: Redeemed): EnrolmentAnswer {
  const { data, audit, attestation } = config
  const devices = openDevices({ dir: data.dir, durability: audit.durability, who: 'sallyport', now })
  try {
    const outcome = devices.redeem(proved)
    if (outcome.kind === 'none') return refused
    if (outcome.kind !== 'made') return { status: 409, body: { error: 'key_taken' } }
    const { id: device, expires, policies, overlap } = outcome.device
    return { status: 201, body: { device, expires, policies, overlap, audience: attestation.audience } }
  } finally {
    devices.close()
  }
}

const refused: EnrolmentAnswer = { status: 403, body: { error: 'code_not_valid' } }
