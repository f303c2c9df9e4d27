import { createPrivateKey, X509Certificate } from 'node:crypto'
import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls'
import { SallyportError } from '../../core/errors.ts'
import { readRegularFile } from '../../lib/regular-file.ts'

/** Paths of PEM files. */
export type TlsFiles = {
  /** Authorities of the receiver: only these are trusted. Without it those of the system and of Node. */
  readonly ca?: string | undefined
  /** Our own certificate, with its chain, and its key. */
  readonly clientCert?: string | undefined
  readonly clientKey?: string | undefined
}

/**
 * What TLS connections to a receiver are made with: one for all, because reading the roots takes 20 ms. The files are read now. Throws
 * `config_invalid` for those that cannot be used.
 */
export function tlsContext({ ca, clientCert, clientKey }: TlsFiles): SecureContext {
  const terms = { minVersion: 'TLSv1.2', ca: ca === undefined ? publicAuthorities() : [authorities(ca)] } as const
  if (clientCert === undefined && clientKey === undefined) return createSecureContext(terms)
  if (clientCert === undefined || clientKey === undefined)
    throw new SallyportError('config_invalid', 'clientCert and clientKey are only of use together')
  return createSecureContext({ ...terms, ...identity(clientCert, clientKey) })
}

function publicAuthorities(): string[] {
  return [...new Set([...getCACertificates('bundled'), ...systemAuthorities(), ...getCACertificates('extra')])]
}

// A machine without a store of its own, or with one that cannot be read, has Node's.
function systemAuthorities(): string[] {
  try {
    return getCACertificates('system')
  } catch {
    return []
  }
}

function authorities(file: string): string {
  const pem = certificates(file, 'ca')
  try {
    // OpenSSL passes over what it cannot read.
    return Array.from(pem.matchAll(ofCertificate), ([block]) => new X509Certificate(block).toString()).join('')
  } catch (cause) {
    throw new SallyportError('config_invalid', `ca: ${file} holds a certificate that cannot be read`, { cause })
  }
}

function identity(certFile: string, keyFile: string): { readonly cert: string; readonly key: string } {
  const cert = certificates(certFile, 'clientCert')
  const key = content(keyFile, 'clientKey')
  let fits: boolean
  try {
    fits = new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))
  } catch {
    // The cause could say what is in the files.
    throw new SallyportError('config_invalid', `clientKey: ${keyFile} holds no private key without a passphrase`)
  }
  if (!fits) throw new SallyportError('config_invalid', `clientKey: ${keyFile} is not the key of ${certFile}`)
  return { cert, key }
}

// OpenSSL takes what holds no certificate, such as a key, for an empty list.
function certificates(file: string, setting: string): string {
  const pem = content(file, setting)
  if (pem.search(ofCertificate) >= 0) return pem
  throw new SallyportError('config_invalid', `${setting}: ${file} holds no certificates`)
}

function content(file: string, setting: string): string {
  try {
    return readRegularFile(file, LARGEST)
  } catch (cause) {
    throw new SallyportError('config_invalid', `${setting}: cannot read ${file}`, { cause })
  }
}

const ofCertificate = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g
const LARGEST = 4 * 2 ** 20
