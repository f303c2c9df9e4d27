import type { Terms } from '../attest/verify.ts'
import type { Config } from '../config/schema.ts'
import type { Handling } from '../policy/intercept.ts'

/** The terms for a host: what its policy entry says, and what that leaves out the configuration. Undefined where none is accepted. */
export function attestationTerms(
  { attestation: own }: Pick<Handling, 'attestation'>,
  { accept, audience, policies, minVersion, reinspect, nexus }: Config['attestation'],
): Terms | undefined {
  if (!(own?.accept ?? accept) || audience === null) return undefined
  return {
    audience,
    policies: own?.policies ?? policies,
    minVersion: own?.minVersion ?? minVersion,
    reinspect: own?.reinspect ?? reinspect,
    nexus,
  }
}
