import { hostname } from 'node:os'
import type { Config } from '../config/schema.ts'
import { ensureAuthority } from '../tls/ca.ts'
import type { Authority } from '../tls/authority.ts'

/** Opens the local CA, or makes one for the hosts that policies inspect. */
export async function openCa(
  config: Pick<Config, 'ca'>,
  inspected: readonly string[] | 'any',
  warn: (message: string) => void,
): Promise<{ authority: Authority; created: boolean }> {
  const { dir, passphrase, nameConstraints } = config.ca
  return ensureAuthority({
    dir,
    passphrase,
    now: Date.now(),
    warn,
    permitted: nameConstraints === 'off' ? 'any' : inspected,
    name: hostname(),
  })
}
