import { createHash, randomBytes, sign } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { openDevices } from '../../src/access/devices.ts'
import type { DeviceSettings } from '../../src/access/device-settings.ts'
import { newDeviceKey, privateKeyFrom } from '../../src/attest/keys.ts'
import { nexusSigned } from '../../src/attest/nexus.ts'
import { newJti, signToken } from '../../src/attest/sign.ts'
import type { Claims } from '../../src/attest/token.ts'

/** A device that signs for itself. */
export type Attesting = {
  readonly id: string
  readonly key: KeyObject
  readonly publicKey: Buffer
  /** The value of Sallyport-Attestation. */
  readonly token: (authority: string, over?: Partial<Claims>) => string
  /** The value of X-Nexus-Attestation for a body. */
  readonly nexus: (body?: string | Uint8Array, over?: { readonly ts?: number; readonly nonce?: string }) => string
}

/** One that nobody knows yet. */
export function attesting(id: string, audience = 'egress-1'): Attesting {
  const { privatePem, publicKey } = newDeviceKey()
  const key = privateKeyFrom(privatePem)
  return {
    id,
    key,
    publicKey,
    token(authority, over = {}) {
      const iat = Math.floor(Date.now() / 1_000)
      const policy = 'a'.repeat(64)
      const claims = { iss: id, aud: audience, iat, exp: iat + 60, jti: newJti(), authority, policy, ver: '1.4.0' }
      return signToken({ claims: { ...claims, ...over }, key })
    },
    nexus(body = '', { ts = Math.floor(Date.now() / 1_000), nonce = randomBytes(16).toString('hex') } = {}) {
      const hash = createHash('sha256').update(body).digest('hex')
      const signature = sign(null, nexusSigned({ ts, nonce, hash, device: id }), key).toString('base64url')
      return `v1;ts=${ts};nonce=${nonce};hash=sha256:${hash};agent_id=${id};sig=${signature}`
    },
  }
}

/** Enrols a device in a data folder. */
export function enrol(
  dir: string,
  { id, publicKey }: Pick<Attesting, 'id' | 'publicKey'>,
  over: Partial<DeviceSettings> = {},
): void {
  const at = (ms: number): string => new Date(Date.now() + ms).toISOString()
  withDevices(dir, (devices) => {
    const settings = { id, owner: null, policies: [], notBefore: at(-60_000), expires: at(86_400_000), ...over }
    const { kind } = devices.enroll(settings, publicKey)
    if (kind !== 'made') throw new Error(`${id} was not enrolled: ${kind}`)
  })
}

export function revoke(dir: string, { id }: Pick<Attesting, 'id'>): void {
  withDevices(dir, (devices) => devices.revoke(id))
}

function withDevices(dir: string, act: (devices: ReturnType<typeof openDevices>) => void): void {
  const devices = openDevices({ dir, durability: 'relaxed', who: 'test', now: Date.now })
  try {
    act(devices)
  } finally {
    devices.close()
  }
}
