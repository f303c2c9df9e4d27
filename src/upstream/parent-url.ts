import { SallyportError } from '../core/errors.ts'
import { passwordRequest } from './socks5.ts'
import type { Credentials } from './socks5.ts'

/** A parent proxy, from the URL that names it. */
export type ParentAddress = {
  readonly kind: 'http' | 'https' | 'socks5'
  readonly host: string
  readonly port: number
  readonly credentials: Credentials | undefined
}

/** Reads `http://user:password@host:port`, with the scheme's own port when it names none. Throws `config_invalid`, without the URL in it. */
export function parentAddress(text: string): ParentAddress {
  const url = URL.parse(text)
  const kind = url?.protocol.slice(0, -1)
  if (url === null || !isKind(kind) || url.hostname === '') throw invalid('it is not the URL of a proxy')
  if (!/^\/?$/.test(url.pathname) || url.search !== '' || url.hash !== '') throw invalid('it has a path')
  if (url.port === '0') throw invalid('it has port 0')
  const credentials = credentialsOf(url)
  if (credentials !== undefined) checkCredentials(kind, credentials)
  return {
    kind,
    host: url.hostname.replace(/^\[(.*)\]$/, '$1').toLowerCase(),
    port: url.port === '' ? usualPorts[kind] : Number(url.port),
    credentials,
  }
}

function credentialsOf({ username, password }: URL): Credentials | undefined {
  if (username === '' && password === '') return undefined
  try {
    return { user: decodeURIComponent(username), password: decodeURIComponent(password) }
  } catch (cause) {
    throw invalid('its user or password is not percent-encoded UTF-8', cause)
  }
}

function checkCredentials(kind: ParentAddress['kind'], credentials: Credentials): void {
  const { user, password } = credentials
  if (kind === 'socks5') {
    try {
      passwordRequest(credentials)
    } catch (cause) {
      throw invalid((cause as Error).message, cause)
    }
    return
  }
  // RFC 7617, 2.
  if (user.includes(':')) throw invalid('its user has a colon')
  if ([...(user + password)].some((character) => character < ' ' || character === '\u007F')) {
    throw invalid('its user or password has a control character')
  }
}

function isKind(kind: string | undefined): kind is ParentAddress['kind'] {
  return kind !== undefined && Object.hasOwn(usualPorts, kind)
}

function invalid(why: string, cause?: unknown): SallyportError {
  return new SallyportError('config_invalid', `upstream.proxy: ${why}`, { cause })
}

const usualPorts = { http: 80, https: 443, socks5: 1080 } as const
