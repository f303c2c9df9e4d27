import { isIP } from 'node:net'
import { addressSet, plainAddress } from './ip.ts'

/**
 * Which targets the entries of a NO_PROXY-like list name. `example.com` is the name and all names under it, `.example.com` and
 * `*.example.com` only those under it; an address or network means targets written as addresses; each of them may end in `:port`;
 * `*` is everything. Names are compared without regard to case and a dot at the end, and are never looked up. Throws RangeError for
 * what is none of these.
 */
export function noProxy(entries: readonly string[]): (host: string, port: number) => boolean {
  const matchers = entries.map(matcherOf)
  if (matchers.length === 0) return () => false
  return (host, port) => {
    const plain = isIP(host) === 0 ? host.toLowerCase().replace(/\.$/, '') : plainAddress(host)
    return matchers.some((matches) => matches(plain, port))
  }
}

type Matcher = (host: string, port: number) => boolean

function matcherOf(entry: string): Matcher {
  if (entry === '*') return () => true
  const { host, port } = split(entry)
  const named = hostMatcher(host, entry)
  return port === undefined ? named : (target, at) => at === port && named(target, at)
}

function split(entry: string): { host: string; port: number | undefined } {
  // Colons without brackets are those of an IPv6 address or network.
  const match = /^(\[[^\]]*\]|[^:]*):(\d{1,5})$/.exec(entry)
  const host = match?.[1] ?? entry
  const port = match?.[2] === undefined ? undefined : Number(match[2])
  if (port !== undefined && (port < 1 || port > 65_535)) throw notAnEntry(entry)
  return { host: host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host, port }
}

function hostMatcher(host: string, entry: string): Matcher {
  if (host.includes('/') || isIP(host) !== 0) return addressSet([host])
  const name = host.toLowerCase().replace(/\.$/, '')
  if (host === '*') return () => true
  const bare = name.replace(/^\*?\./, '')
  if (!hostName.test(bare)) throw notAnEntry(entry)
  const under = `.${bare}`
  return bare === name
    ? (target) => target === bare || target.endsWith(under)
    : (target) => target.endsWith(under) && target.length > under.length
}

function notAnEntry(entry: string): RangeError {
  return new RangeError(`not a host, suffix, address or network: ${entry}`)
}

const hostName = /^[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*$/
