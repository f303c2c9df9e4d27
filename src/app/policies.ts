import type { Config } from '../config/schema.ts'
import type { Limiter } from '../inspect/limiter.ts'
import { writeDefaultPolicy } from '../policy/default.ts'
import { packFoldersFor } from '../policy/load.ts'
import { watchPolicies } from '../policy/watch.ts'
import type { PolicyWatch } from '../policy/watch.ts'
import type { PolicySet } from '../policy/compile.ts'
import type { SallyportError } from '../core/errors.ts'
import { catalogueHosts } from './catalogue.ts'

/** Loads the policies of the configured folder, which gets the default one when it has none, and keeps them current. */
export async function openPolicies(
  config: Pick<Config, 'policies'>,
  onSet: (set: PolicySet) => void,
  onProblem: (error: SallyportError) => void,
  limiter?: Limiter,
): Promise<PolicyWatch> {
  const { dir } = config.policies
  await writeDefaultPolicy(dir)
  return watchPolicies(
    { dir, packFolders: packFoldersFor(dir), catalogue: catalogueHosts(), limiter },
    onSet,
    onProblem,
  )
}
