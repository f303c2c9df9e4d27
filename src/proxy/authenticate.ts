import type { RawHeaders } from '../core/http.ts'
import { headerOf } from '../core/http.ts'
import type { ClientCertificate } from '../tls/client-certificate.ts'

export type Credentials = { readonly name: string; readonly token: string }

export type Outcome =
  | { readonly kind: 'known'; readonly principal: string | null }
  | { readonly kind: 'challenge' }
  | { readonly kind: 'uncertified'; readonly because: string }
  | { readonly kind: 'limited' }

/** Who is behind a proxy request. Failures are counted per address: after ten in a minute even right credentials have to wait. */
export function authenticator(options: {
  readonly scheme: () => 'none' | 'basic' | 'mtls'
  /** The principal's name when the token is theirs and may be used from there. Compares in constant time. */
  readonly principalOf: (credentials: Credentials, clientIp: string) => string | undefined
  readonly now: () => number
}): (headers: RawHeaders, clientIp: string, certificate?: ClientCertificate) => Outcome {
  const failures = new Map<string, { count: number; since: number }>()
  const recentOf = (clientIp: string) => {
    const failed = failures.get(clientIp)
    return failed !== undefined && options.now() - failed.since < windowMs ? failed : undefined
  }
  const count = (clientIp: string): void => {
    const recent = recentOf(clientIp)
    if (failures.size >= maxAddresses && !failures.has(clientIp))
      failures.delete(failures.keys().next().value as string)
    failures.set(clientIp, { count: (recent?.count ?? 0) + 1, since: recent?.since ?? options.now() })
  }
  return (headers, clientIp, certificate) => {
    const scheme = options.scheme()
    if (scheme === 'none') return { kind: 'known', principal: null }
    if ((recentOf(clientIp)?.count ?? 0) >= maxFailures) return { kind: 'limited' }
    if (scheme === 'mtls') {
      if (certificate?.kind === 'valid') return { kind: 'known', principal: certificate.principal }
      if (certificate?.kind !== 'invalid')
        return { kind: 'uncertified', because: 'this proxy wants a client certificate' }
      count(clientIp)
      return { kind: 'uncertified', because: `the client certificate is not valid: ${certificate.because}` }
    }
    const credentials = basicCredentials(headerOf(headers, 'proxy-authorization'))
    if (credentials === undefined) return { kind: 'challenge' }
    const principal = options.principalOf(credentials, clientIp)
    if (principal !== undefined) return { kind: 'known', principal }
    count(clientIp)
    return { kind: 'challenge' }
  }
}

/** RFC 7617. */
export function basicCredentials(value: string | undefined): Credentials | undefined {
  const match = /^basic +([A-Za-z0-9+/]+={0,2}) *$/i.exec(value ?? '')
  if (match === null) return undefined
  const text = Buffer.from(match[1] as string, 'base64').toString('utf8')
  const colon = text.indexOf(':')
  return colon === -1 ? undefined : { name: text.slice(0, colon), token: text.slice(colon + 1) }
}

const windowMs = 60_000
const maxFailures = 10
const maxAddresses = 10_000
