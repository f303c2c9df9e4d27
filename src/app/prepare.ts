import { mkdir } from 'node:fs/promises'
import { SallyportError } from '../core/errors.ts'
import type { Config } from '../config/schema.ts'
import type { Log } from '../lib/log.ts'
import type { Authority } from '../tls/authority.ts'
import { openStore, outdatedBytes } from '../store/open.ts'
import { openCa } from './authority.ts'
import { openPolicies } from './policies.ts'
import { keysHmac, placeholderKey } from './secrets.ts'

/** Makes what a first start needs (data folder, default policy, CA), once, before any worker looks for it. */
export async function prepare(
  config: Config,
  log: Log,
): Promise<{ readonly authority: Authority; readonly created: boolean }> {
  await mkdir(config.data.dir, { recursive: true, mode: 0o700 }).catch((cause: NodeJS.ErrnoException) => {
    throw new SallyportError('config_invalid', `data.dir: cannot make ${config.data.dir}: ${cause.code}`, {
      cause,
      hint: 'Choose a folder that this user may write.',
    })
  })
  const policies = await openPolicies(
    config,
    () => undefined,
    () => undefined,
  )
  try {
    await placeholderKey(config.data.dir)
    await keysHmac(config.data.dir)
    updateLedger(config, log)
    return await openCa(config, policies.current().inspectedHosts, (message) => log.warn({}, message))
  } finally {
    policies.close()
  }
}

/** Told before it begins: it takes some ten seconds for a gigabyte, and as much room on the disk again for that time. */
function updateLedger({ data: { dir }, audit: { durability } }: Config, log: Log): void {
  const bytes = outdatedBytes(dir)
  if (bytes === undefined) return
  log.warn({ bytes }, 'the ledger is of an earlier version and is brought up to date: this may take a while')
  const began = performance.now()
  openStore({ dir, durability }).close()
  log.warn({ ms: Math.round(performance.now() - began) }, 'the ledger is up to date')
}
