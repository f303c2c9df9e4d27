import { domainToASCII } from 'node:url'
import { isIP, isIPv4 } from 'node:net'
import { plainAddress } from '../lib/ip.ts'

export type Authority = { readonly host: string; readonly port: number }

/**
 * The target of a CONNECT: `host:port`, an IPv6 address in brackets (RFC 9110, 9.3.6). Undefined for anything else: no port, port 0,
 * user information, a path, a zone, or a spelling of an address that only some resolvers understand.
 */
export function parseAuthority(text: string): Authority | undefined {
  const match = /^(\[[0-9A-Fa-f:.]+\]|[^\s:/?#@[\]\\%]+):(\d{1,5})$/.exec(text)
  if (match === null) return undefined
  const port = Number(match[2])
  const host = canonicalHost(match[1] as string)
  return host === undefined || port < 1 || port > 65_535 ? undefined : { host, port }
}

/**
 * A host as it is compared and looked up, so that no two spellings are two hosts: lower case, no brackets, no trailing dot, IDN in its ASCII
 * form, an address in its shortest (IPv4-mapped as IPv4). Undefined when it is none.
 */
export function canonicalHost(text: string): string | undefined {
  if (text.startsWith('[')) {
    const inner = text.slice(1, -1)
    return text.endsWith(']') && isIP(inner) === 6 && !inner.includes('%') ? plainAddress(inner) : undefined
  }
  const bare = text.endsWith('.') ? text.slice(0, -1) : text
  if (isIPv4(bare)) return bare
  const ascii = /^[\x21-\x7e]+$/.test(bare) ? bare.toLowerCase() : domainToASCII(bare)
  // `127.1`, `0x7f.1`, `2130706433`, full-width digits: addresses to some resolvers, names to others (WHATWG URL, host parsing).
  if (/^(0x[0-9a-f]*|\d+)$/.test(ascii.slice(ascii.lastIndexOf('.') + 1))) return undefined
  return hostName.test(ascii) && ascii.length <= 253 ? ascii : undefined
}

export type AbsoluteTarget = Authority & {
  readonly scheme: 'http' | 'https'
  readonly path: string
  readonly query: string
}

/** A request target in absolute form (RFC 9112, 3.2.2). */
export function parseAbsolute(text: string): AbsoluteTarget | undefined {
  const match = /^(https?):\/\/([^/?#]*)([^?#]*)(\?[^#]*)?$/i.exec(text)
  if (match === null) return undefined
  const scheme = (match[1] as string).toLowerCase() as 'http' | 'https'
  const authority = withPort(match[2] as string, scheme)
  return authority === undefined
    ? undefined
    : { scheme, ...authority, path: match[3] === '' ? '/' : (match[3] as string), query: match[4] ?? '' }
}

/** A Host or :authority value: host and port, the scheme's own port when it names none. */
export function withPort(authority: string, scheme: 'http' | 'https'): Authority | undefined {
  const bare = authority.endsWith(':') ? authority.slice(0, -1) : authority
  return parseAuthority(
    /:\d+$/.test(bare.replace(/^\[[^\]]*\]/, '')) ? bare : `${bare}:${scheme === 'https' ? 443 : 80}`,
  )
}

/** A target in origin form, cut at the query. */
export function splitPath(target: string): { readonly path: string; readonly query: string } {
  const mark = target.indexOf('?')
  return mark === -1 ? { path: target, query: '' } : { path: target.slice(0, mark), query: target.slice(mark) }
}

const hostName = /^(?!-)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*$/
