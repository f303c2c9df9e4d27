import type { X509Certificate } from 'node:crypto'
import type { TLSSocket } from 'node:tls'

/** What a client showed of itself in the handshake. */
export type ClientCertificate =
  | { readonly kind: 'none' }
  | { readonly kind: 'valid'; readonly principal: string }
  | { readonly kind: 'invalid'; readonly because: string }

/** The certificate of a client that was asked for one (`requestCert`); it is valid when an authority of the context has signed it and it says who it is for. */
export function clientCertificate(socket: TLSSocket, now: number): ClientCertificate {
  const certificate = socket.getPeerX509Certificate()
  // A resumed TLS 1.3 session without a certificate verifies as well as one with: ask for the certificate first.
  if (certificate === undefined) return { kind: 'none' }
  const fault = verifyError(socket)
  if (fault !== undefined) return { kind: 'invalid', because: fault }
  // A session that is resumed was verified when it began.
  if (Date.parse(certificate.validTo) <= now) return { kind: 'invalid', because: 'CERT_HAS_EXPIRED' }
  const principal = principalOf(certificate)
  return principal === undefined ? { kind: 'invalid', because: 'it names nobody' } : { kind: 'valid', principal }
}

/** Whom a certificate names: the subject's common name, else the first alternative name, a URI before a DNS name before a mail address. */
export function principalOf(certificate: X509Certificate): string | undefined {
  const { subject } = certificate.toLegacyObject() as { subject?: { CN?: string | string[] } }
  const common = [subject?.CN ?? []].flat()
  // Two common names are two people.
  if (common.length > 1) return undefined
  const alternative = alternativeNames(certificate.subjectAltName ?? '')
  const [name] = [common, ...kinds.map((kind) => alternative.get(kind) ?? [])].flat()
  return name !== undefined && presentable.test(name) ? name : undefined
}

/** The names in Node's text of a subjectAltName, by kind, in order. Those with odd characters are in the quotes of JSON there. */
export function alternativeNames(text: string): Map<string, string[]> {
  const names = new Map<string, string[]>()
  for (const [, kind = '', value = ''] of text.matchAll(/([A-Za-z][A-Za-z ]*):("(?:[^"\\]|\\.)*"|[^,"]*)(?:, |$)/gy)) {
    const plain = value.startsWith('"') ? (JSON.parse(value) as string) : value
    names.set(kind, [...(names.get(kind) ?? []), plain])
  }
  return names
}

/** OpenSSL's name of what is wrong with the peer's chain. Only a `tls.Server` puts it in `authorizationError`. */
function verifyError(socket: TLSSocket): string | undefined {
  const { ssl } = socket as unknown as { ssl: { verifyError: () => (Error & { code?: string }) | null } }
  const error = ssl.verifyError()
  return error === null ? undefined : (error.code ?? error.message)
}

const kinds = ['URI', 'DNS', 'email'] as const
// No control characters: the name stands in rows and logs.
const presentable = /^[^\p{C}]{1,256}$/u
