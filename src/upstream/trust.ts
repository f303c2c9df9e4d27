import { readFileSync } from 'node:fs'
import { createSecureContext, getCACertificates } from 'node:tls'
import type { SecureContext } from 'node:tls'
import { SallyportError } from '../core/errors.ts'

/** A client certificate with its key, PEM. */
export type Identity = { readonly cert: string; readonly key: string }

/**
 * Makes the contexts of upstream handshakes: the system's roots, Node's, and extra PEM files, which are read now. One serves all that show
 * the same client certificate, because reading the roots takes 20 ms and a `ca` list per connection costs that much every time.
 */
export function upstreamTrust(extraFiles: readonly string[]): (identity?: Identity) => SecureContext {
  const extra = extraFiles.map(readPem)
  return (identity) => {
    const roots = [
      ...new Set([...getCACertificates('bundled'), ...systemCertificates(), ...getCACertificates('extra')]),
    ]
    return createSecureContext({ ...identity, ca: [...roots, ...extra], minVersion: 'TLSv1.2' })
  }
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
  const pem = readText(file)
  // OpenSSL takes what holds no certificate, such as a key, for an empty list.
  const certificates = /-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----/.test(pem)
  try {
    if (certificates) createSecureContext({ ca: pem })
  } catch (cause) {
    throw holdsNone(file, cause)
  }
  if (!certificates) throw holdsNone(file)
  return pem
}

function holdsNone(file: string, cause?: unknown): SallyportError {
  return new SallyportError('config_invalid', `upstream.ca: ${file} holds no certificates`, { cause })
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new SallyportError('config_invalid', `upstream.ca: cannot read ${file}`, { cause })
  }
}
