import type { Config } from '../config/schema.ts'
import type { Handling } from '../policy/intercept.ts'

/** What an attestation must fit to be accepted. */
export type AttestationTerms = {
  /** Our name. */
  readonly audience: string
  /** Digests of policy sets, or `any`. */
  readonly policies: readonly string[]
  readonly minVersion: string | null
  /** Share of those that fit which is inspected anyway. */
  readonly reinspect: number
  /** Whether X-Nexus-Attestation counts too. */
  readonly nexus: boolean
}

/** The terms for a host: what its policy entry says, and what that leaves out the configuration. Undefined where none is accepted. */
export function attestationTerms(
  { attestation: own }: Pick<Handling, 'attestation'>,
  { accept, audience, policies, minVersion, reinspect, nexus }: Config['attestation'],
): AttestationTerms | undefined {
  if (!(own?.accept ?? accept) || audience === null) return undefined
  return {
    audience,
    policies: own?.policies ?? policies,
    minVersion: own?.minVersion ?? minVersion,
    reinspect: own?.reinspect ?? reinspect,
    nexus,
  }
}
