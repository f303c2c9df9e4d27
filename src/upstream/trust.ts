import { readFileSync } from 'node:fs'
import { createSecureContext, getCACertificates } from 'node:tls'
import type { SecureContext } from 'node:tls'
import { SallyportError } from '../core/errors.ts'

/**
 * The one context that all upstream handshakes share: the system's roots, Node's, and extra PEM files. Made once, because
 * reading the roots takes 20 ms and a `ca` list per connection costs that much every time.
 */
export function upstreamTrust(extraFiles: readonly string[]): SecureContext {
  const extra = extraFiles.map(readPem)
  const roots = [...new Set([...getCACertificates('bundled'), ...systemCertificates(), ...getCACertificates('extra')])]
  return createSecureContext({ ca: [...roots, ...extra], minVersion: 'TLSv1.2' })
}

function systemCertificates(): string[] {
  try {
    return getCACertificates('system')
  } catch {
    // A machine without a store of its own: Node's roots stand alone.
    return []
  }
}

function readPem(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new SallyportError('config_invalid', `upstream.ca: cannot read ${file}`, { cause })
  }
}
