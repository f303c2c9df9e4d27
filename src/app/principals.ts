import { keyAuthenticator } from '../access/authenticate.ts'
import { secretHash } from '../access/secret.ts'
import type { Log } from '../lib/log.ts'
import { keysHmac } from './secrets.ts'

export type Principals = {
  /** The name of the virtual key whose name and token these are, when it may be used from there. */
  readonly principalOf: (credentials: { name: string; token: string }, clientIp: string) => string | undefined
  readonly close: () => void
}

/** Who may use the proxy: the virtual keys of the data folder. They are opened when the first credentials come. */
export async function openPrincipals(dataDir: string, log: Log): Promise<Principals> {
  const hash = secretHash(await keysHmac(dataDir))
  const keys = keyAuthenticator({ dir: dataDir, hash, now: Date.now })
  return {
    principalOf({ name, token }, clientIp) {
      const outcome = keys.authenticate({ secret: token, name, clientIp })
      if (outcome.kind === 'known') return outcome.key.name
      // Only whoever has the secret of a key gets here with its id; the client is not told why.
      if (outcome.key !== undefined) {
        log.info({ key: outcome.key, client: clientIp, because: outcome.because }, 'key refused')
      }
      return undefined
    },
    close: () => keys.close(),
  }
}
