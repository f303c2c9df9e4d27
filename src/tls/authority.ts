import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { SallyportError } from '../core/errors.ts'
import { type Issuer, OID, readIssuer, signatureAlgorithm } from './x509.ts'
import { isPermitted, outside, type Permitted, readPermitted } from './name-constraints.ts'

/** The local CA, ready to sign. */
export type Authority = {
  readonly certificatePem: string
  readonly certificateDer: Buffer
  readonly key: KeyObject
  /** Milliseconds since 1970. */
  readonly notAfter: number
  /** SHA-256 of the certificate: 64 hex digits. */
  readonly fingerprint: string
  /** The common name, for people. */
  readonly name: string
  /** What its certificate lets it vouch for, as far as names go. */
  readonly permitted: Permitted
  readonly permits: (host: string) => boolean
  readonly issuer: Issuer
  /** What a server sends after the leaf: empty for a root; for an intermediate it and what followed it in its file. PEM. */
  readonly chainPem: string
}

/** The host globs of policy that the authority may not vouch for. */
export function outsideConstraints(hosts: readonly string[], authority: Pick<Authority, 'permitted'>): string[] {
  return outside(hosts, authority.permitted)
}

/** What an authority is read from; `source` names the files for people. */
export type AuthorityFiles = {
  readonly certificates: string
  readonly key: string
  readonly passphrase: string | null
  readonly source: { readonly certificate: string; readonly key: string }
}

/**
 * The authority of these files: the first certificate and the key for it, RSA or EC, PKCS#8, PKCS#1 or SEC1. Throws
 * `ca_unavailable` that says what is wrong.
 */
export function authorityOf({ certificates, key, passphrase, source }: AuthorityFiles, now: number): Authority {
  const blocks = pemCertificates(certificates)
  const certificate = parseCertificate(blocks[0] ?? '', source.certificate)
  const privateKey = parseKey(key, passphrase, source.key)
  if (!certificate.ca) throw unavailable(`${source.certificate} is not the certificate of an authority`)
  if (!certificate.checkPrivateKey(privateKey)) throw unavailable(`${source.key} does not match ${source.certificate}`)
  const notAfter = Date.parse(certificate.validTo)
  if (notAfter <= now) throw unavailable(`${source.certificate} has expired`, '`sallyport ca rotate` makes a new one.')
  if (Date.parse(certificate.validFrom) > now) {
    throw unavailable(`${source.certificate} is not valid yet`, "Check this machine's clock.")
  }
  const issuer = readIssuer(certificate.raw)
  const permitted = readPermitted(issuer.extension(OID.nameConstraints))
  return {
    certificatePem: blocks[0] ?? '',
    certificateDer: certificate.raw,
    key: privateKey,
    notAfter,
    fingerprint: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
    name: /^CN=(.*)$/m.exec(certificate.subject)?.[1] ?? certificate.subject.replaceAll('\n', ', '),
    permitted,
    permits: (host) => isPermitted(host, permitted),
    issuer,
    chainPem: certificate.checkIssued(certificate) ? '' : blocks.join(''),
  }
}

/** The certificates of a PEM file, each with its line ends as `\n` and without what stands between them. */
export function pemCertificates(text: string): string[] {
  const blocks = text.replaceAll('\r\n', '\n').match(/-----BEGIN CERTIFICATE-----\n[^-]+-----END CERTIFICATE-----/g)
  return (blocks ?? []).map((block) => `${block}\n`)
}

export function unavailable(message: string, hint?: string, cause?: unknown): SallyportError {
  return new SallyportError('ca_unavailable', message, { hint, cause })
}

function parseCertificate(pem: string, source: string): X509Certificate {
  try {
    return new X509Certificate(pem)
  } catch (cause) {
    throw unavailable(`${source} is not a PEM certificate`, undefined, cause)
  }
}

/** No cause is kept: what the parser says of a key need not be logged. */
function parseKey(pem: string, passphrase: string | null, source: string): KeyObject {
  const encrypted = pem.includes('ENCRYPTED')
  if (encrypted && passphrase === null) {
    throw unavailable(`${source} is encrypted`, 'Set `ca.passphrase`, best as "${NAME}" from the environment.')
  }
  const key = tryKey(pem, passphrase)
  if (key === undefined && encrypted) {
    throw unavailable(`${source} does not open with the passphrase`, 'Check `ca.passphrase`.')
  }
  if (key === undefined) throw unavailable(`${source} is not a private key in PEM`)
  try {
    signatureAlgorithm(key)
  } catch {
    throw unavailable(`${source} has a key of a kind that cannot sign certificates here`, 'Use EC P-256 or RSA.')
  }
  return key
}

function tryKey(pem: string, passphrase: string | null): KeyObject | undefined {
  try {
    return createPrivateKey({ key: pem, format: 'pem', passphrase: passphrase ?? undefined })
  } catch {
    return undefined
  }
}
