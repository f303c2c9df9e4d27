import { readFileSync, statSync } from 'node:fs'
import { isDeviceId } from '../attest/device-id.ts'
import { privateKeyFrom } from '../attest/keys.ts'
import { attestor } from '../attest/sign.ts'
import type { Config } from '../config/schema.ts'
import { asSallyportError, SallyportError } from '../core/errors.ts'
import { newConnectionId } from '../core/ids.ts'
import { recordConnection } from '../engine/connection.ts'
import type { Rooms } from '../engine/exchange.ts'
import { bracketed } from '../upstream/origin.ts'
import type { Signed } from '../upstream/parent.ts'
import { stamps } from '../upstream/stamps.ts'
import type { StampAbout, Stamp, Untold } from '../upstream/stamps.ts'
import { version } from './version.ts'

export type Sign = (to: { readonly host: string; readonly port: number }) => Signed

/**
 * Signs CONNECTs to the parent proxy, with a fresh token for each, as the configuration says; the digest is of the policy set that is
 * applied to what the connection carries. Undefined where nothing is signed. Throws `config_invalid` for a key that cannot be used.
 */
export function signing(
  { attestation: { sign } }: Pick<Config, 'attestation'>,
  make: (about: StampAbout) => Stamp,
  warn: (message: string) => void,
): ((policy: string) => Sign) | undefined {
  if (sign === null) return undefined
  const { device, audience } = sign
  const key = signingKey(sign, warn)
  const program = version()
  return (digest) => {
    const attest = attestor({ key, device, audience, version: program, now: Date.now, policy: () => digest })
    return ({ host, port }) => {
      const { header, jti, policy } = attest(`${bracketed(host)}:${port}`)
      const attestation = JSON.stringify({ outcome: 'signed', device, jti, policy, audience })
      return { fields: ['Sallyport-Attestation', header], stamp: make({ host, port, attestation }) }
    }
  }
}

/** The key that `attestation.sign` names. Throws `config_invalid` where it, or the device, cannot be used; warns of a key that others may read. */
export function signingKey(
  { key: file, device }: NonNullable<Config['attestation']['sign']>,
  warn: (message: string) => void,
): ReturnType<typeof privateKeyFrom> {
  if (!isDeviceId(device)) throw new SallyportError('config_invalid', 'attestation.sign.device is not a device id')
  return readKey(file, warn)
}

/** Stamps of which those that no other row tells leave a `connections` row of their own. */
export function recordedStamps(rooms: Rooms): ReturnType<typeof stamps> {
  return stamps(({ host, port, attestation, at, error }: Untold) =>
    recordConnection(rooms, 'proxy', {
      id: newConnectionId(at.getTime()),
      at: at.toISOString(),
      clientIp: null,
      principal: null,
      host,
      port,
      sni: null,
      alpn: null,
      handling: 'failed',
      reason: error?.message ?? 'a connection to the parent proxy that carried nothing with a row of its own',
      bytesUp: null,
      bytesDown: null,
      durationMs: Math.max(0, Date.now() - at.getTime()),
      error: error?.code ?? null,
      attestation,
    }),
  )
}

function readKey(file: string, warn: (message: string) => void): ReturnType<typeof privateKeyFrom> {
  let pem: string
  let mode: number
  try {
    pem = readFileSync(file, 'utf8')
    mode = statSync(file).mode
  } catch (cause) {
    throw new SallyportError('config_invalid', `attestation.sign.key: ${file} cannot be read`, {
      cause,
      hint: '`sallyport attest keygen --out FILE` makes one.',
    })
  }
  if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
    warn(`attestation.sign.key: ${file} can be read by others: chmod 600 it`)
  }
  try {
    return privateKeyFrom(pem)
  } catch (thrown) {
    const { message, hint } = asSallyportError(thrown)
    throw new SallyportError('config_invalid', `attestation.sign.key: ${file} is ${message}`, { hint })
  }
}
