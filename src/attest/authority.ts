import { isIPv6 } from 'node:net'
import { plainAddress } from '../lib/ip.ts'

/** How a target is written in an attestation: `host:port`, an IPv6 address in brackets, letters lower case, no dot at the end. */
export function authorityOf(host: string, port: number): string {
  const bare = host.toLowerCase().replace(/\.$/, '')
  return bare.includes(':') && !bare.startsWith('[') ? `[${bare}]:${port}` : `${bare}:${port}`
}

/** Whether two spellings name the same target: those that the door takes for one in a CONNECT. */
export function isSameAuthority(a: string, b: string): boolean {
  return canonical(a) === canonical(b)
}

function canonical(authority: string): string {
  const [, host, port] = /^(.*):(\d{1,5})$/.exec(authority) ?? []
  if (host === undefined) return authority
  const inner = host.slice(1, -1)
  if (host === `[${inner}]` && isIPv6(inner) && !inner.includes('%'))
    return authorityOf(plainAddress(inner), Number(port))
  return `${host.toLowerCase().replace(/\.$/, '')}:${Number(port)}`
}
