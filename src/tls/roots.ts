import { readFileSync } from 'node:fs'
import { getCACertificates } from 'node:tls'
import { pemCertificates, unavailable } from './authority.ts'

export type RootsOptions = {
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly platform?: NodeJS.Platform
  /** A bundle of our own, never to be taken for the system's: `exec` puts it into the very variables that are read here. */
  readonly except?: string
}

/**
 * The roots that programs on this machine trust, as PEM, each once: the bundle that SSL_CERT_FILE names or the distribution keeps,
 * else what the system's store says, else Node's own; and those of NODE_EXTRA_CA_CERTS. Throws `ca_unavailable` when there are none.
 */
export function systemRoots({ env = process.env, platform = process.platform, except }: RootsOptions = {}): string {
  const named = env['SSL_CERT_FILE'] === except ? undefined : env['SSL_CERT_FILE']
  const files = platform === 'linux' || named !== undefined ? [named, ...DISTRIBUTION_BUNDLES] : []
  const roots = new Set<string>()
  for (const source of [
    () => firstBundle(files),
    () => getCACertificates('system'),
    () => getCACertificates('bundled'),
  ]) {
    for (const root of source()) roots.add(normal(root))
    if (roots.size >= FEWEST) break
  }
  if (roots.size < FEWEST) throw unavailable('no system roots found, so no bundle can be made')
  const extra = env['NODE_EXTRA_CA_CERTS']
  if (extra !== undefined && extra !== '' && extra !== except)
    for (const root of bundleAt(extra)) roots.add(normal(root))
  return [...roots].join('')
}

function firstBundle(files: readonly (string | undefined)[]): string[] {
  for (const file of files) {
    const roots = file === undefined || file === '' ? [] : bundleAt(file)
    if (roots.length >= FEWEST) return roots
  }
  return []
}

function bundleAt(file: string): string[] {
  try {
    return pemCertificates(readFileSync(file, 'utf8'))
  } catch {
    return []
  }
}

/** The same certificate is the same text, however its file breaks the lines. */
function normal(pem: string): string {
  const base64 = pem.replace(/-----[A-Z ]+-----|\s/g, '')
  return `-----BEGIN CERTIFICATE-----\n${(base64.match(/.{1,64}/g) ?? []).join('\n')}\n-----END CERTIFICATE-----\n`
}

// A handful of certificates is someone's private list, not the roots of the web.
const FEWEST = 20
const DISTRIBUTION_BUNDLES = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/ssl/cert.pem',
]
