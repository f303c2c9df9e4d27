import type { KeyObject } from 'node:crypto'
import type { Verdict } from '../../src/attest/outcome.ts'
import type { Claims } from '../../src/attest/token.ts'
import { createVerifier } from '../../src/attest/verify.ts'
import type { Terms, VerifierDevice, VerifierOptions } from '../../src/attest/verify.ts'
import { deviceKey, enrolled, nexusOf, signedAt, terms, tokenOf } from './attestation.ts'
import type { NexusFields } from './attestation.ts'

/** The key of the device, and one of somebody else. */
export const { key, publicKey } = deviceKey()
export const other = deviceKey()

export type Setting = {
  readonly headers?: readonly string[]
  readonly authority?: string
  readonly clientIp?: string
  readonly terms?: Partial<Terms>
  readonly device?: Partial<VerifierDevice> | null
  readonly options?: Partial<VerifierOptions>
  readonly at?: number
}

/** A verifier with one device, and what it has been asked and told. */
export function stage({ device = {}, options = {}, at = signedAt }: Setting = {}) {
  const spent = new Set<string>()
  const seen: string[] = []
  const known = device === null ? undefined : enrolled(publicKey, device)
  const verifier = createVerifier({
    deviceOf: (id) => (id === known?.id ? known : undefined),
    spend: async ({ device: id, jti }) => {
      const name = `${id} ${jti}`
      if (spent.has(name)) return 'replayed'
      spent.add(name)
      return 'new'
    },
    seen: (id) => seen.push(id),
    now: () => at,
    random: () => 0.5,
    ...options,
  })
  const connect = (setting: Setting): Promise<Verdict> =>
    verifier.connect({
      headers: setting.headers ?? [],
      authority: setting.authority ?? 'api.openai.com:443',
      clientIp: setting.clientIp ?? '192.0.2.1',
      terms: { ...terms, ...setting.terms },
    })
  return { verifier, connect, spent, seen }
}

export const jws = (changes: Partial<Claims> = {}, by: KeyObject = key): string[] => [
  'Sallyport-Attestation',
  tokenOf(by, changes),
]
export const nexus = (changes: Partial<NexusFields> = {}, by: KeyObject = key): string[] => [
  'X-Nexus-Attestation',
  nexusOf(by, changes),
]
