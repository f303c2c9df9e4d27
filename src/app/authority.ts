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
  const now = Date.now()
  const opened = await ensureAuthority({
    dir,
    passphrase,
    now,
    warn,
    permitted: nameConstraints === 'off' ? 'any' : inspected,
    name: hostname(),
  })
  const days = Math.floor((opened.authority.notAfter - now) / 86_400_000)
  if (days < warnDays) warn(`the local CA expires in ${days} days: \`sallyport ca rotate\` makes a new one`)
  return opened
}

const warnDays = 30
