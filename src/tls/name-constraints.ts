import { isIP, isIPv4 } from 'node:net'
import { addressBytes, addressText } from '../lib/address-bytes.ts'
import { type Asn1, bytesOf, childrenOf, sequence, tagged, taggedBytes } from '../lib/der.ts'
import { isTagged } from './x509.ts'

/** DNS names (each with everything under it) and networks as `address/bits`, or no limit at all. */
export type Permitted = readonly string[] | 'any'

/**
 * The name constraints that let a CA vouch for every host that the globs can match, and for as little else as X.509 can say:
 * a constraint is a whole name and all under it, so `bedrock-runtime.*.amazonaws.com` needs `amazonaws.com`. A glob without a
 * fixed end (`*`, `api.*`) needs `any`.
 */
export function permittedFor(hosts: readonly string[]): Permitted {
  const needed = new Set<string>()
  for (const host of hosts) {
    const constraint = constraintFor(host)
    if (constraint === undefined) return 'any'
    needed.add(constraint)
  }
  return [...needed].filter((one) => !coveredByAnother(one, needed)).sort()
}

/** The host globs that can match a name outside of what is permitted. */
export function outside(hosts: readonly string[], permitted: Permitted): string[] {
  if (permitted === 'any') return []
  return hosts.filter((host) => {
    const constraint = constraintFor(host)
    return constraint === undefined || !permitted.some((within) => covers(within, constraint))
  })
}

/** Whether a host name or IP literal is inside what is permitted. */
export function isPermitted(host: string, permitted: Permitted): boolean {
  if (permitted === 'any') return true
  const name = isIP(host) === 0 ? host : asNetwork(host)
  return permitted.some((within) => covers(within, name))
}

/** The NameConstraints value (RFC 5280, 4.2.1.10); undefined when there is nothing to limit. */
export function nameConstraints(permitted: Permitted): Asn1 | undefined {
  if (permitted === 'any') return undefined
  const subtrees = permitted.map((entry) => sequence(generalName(entry)))
  // A list with no names of one kind does not limit that kind, so each list gets what shuts out the rest.
  if (!permitted.some((entry) => !entry.includes('/'))) subtrees.push(sequence(generalName(NO_NAME)))
  if (permitted.some((entry) => entry.includes('/'))) return sequence(tagged(0, ...subtrees))
  const everyAddress = [Buffer.alloc(8), Buffer.alloc(32)].map((range) => sequence(taggedBytes(IP_ADDRESS, range)))
  return sequence(tagged(0, ...subtrees), tagged(1, ...everyAddress))
}

/**
 * What a NameConstraints value permits. Excluded names are not looked at: authorities of ours exclude only addresses, and a
 * client that meets another one's exclusion refuses the leaf by itself.
 */
export function readPermitted(value: Asn1 | undefined): Permitted {
  const subtrees = childrenOf(childrenOf(value).find((part) => isTagged(part, 0)))
  const names: string[] = []
  const networks: string[] = []
  for (const subtree of subtrees) {
    const base = childrenOf(subtree)[0]
    if (isTagged(base, DNS_NAME)) names.push(bytesOf(base).toString('latin1').toLowerCase().replace(/^\./, ''))
    if (isTagged(base, IP_ADDRESS)) networks.push(networkOf(bytesOf(base)))
  }
  if (names.length + networks.length === 0) return 'any'
  return [...(names.length === 0 ? ['*'] : names), ...networks].filter((name) => name !== NO_NAME)
}

/** The constraint a host glob needs: what follows its last wildcard, from the next dot on. */
function constraintFor(glob: string): string | undefined {
  const host = glob.toLowerCase().replace(/^\[|\]$|\.$/g, '')
  if (isIP(host) !== 0) return asNetwork(host)
  const network = networkGlob(host)
  if (network !== undefined) return network
  const wildcard = Math.max(host.lastIndexOf('*'), host.lastIndexOf('?'))
  if (wildcard === -1) return host
  const dot = host.indexOf('.', wildcard)
  return dot === -1 ? undefined : host.slice(dot + 1)
}

/** `192.168.*` is a network, although it could also match a strange name. */
function networkGlob(host: string): string | undefined {
  if (!/^(\d{1,3}\.){2,3}\*$/.test(host)) return undefined
  const octets = host.split('.').slice(0, -1)
  const address = [...octets, '0', '0'].slice(0, 4).join('.')
  return isIPv4(address) ? asNetwork(address, octets.length * 8) : undefined
}

function coveredByAnother(one: string, all: ReadonlySet<string>): boolean {
  for (const other of all) if (other !== one && covers(other, one)) return true
  return false
}

function covers(within: string, one: string): boolean {
  if (within === '*') return !one.includes('/')
  if (within.includes('/') !== one.includes('/')) return false
  return one.includes('/') ? networkCovers(within, one) : one === within || one.endsWith(`.${within}`)
}

function networkCovers(within: string, one: string): boolean {
  const [outer, inner] = [generalNetwork(within), generalNetwork(one)]
  if (outer.length !== inner.length) return false
  const half = outer.length / 2
  for (let i = 0; i < half; i += 1) {
    const mask = outer[half + i] as number
    if (((inner[half + i] as number) & mask) !== mask) return false
    if (((outer[i] as number) & mask) !== ((inner[i] as number) & mask)) return false
  }
  return true
}

function generalName(entry: string): Asn1 {
  return entry.includes('/')
    ? taggedBytes(IP_ADDRESS, generalNetwork(entry))
    : taggedBytes(DNS_NAME, Buffer.from(entry, 'latin1'))
}

/** Address and mask, as a GeneralName in a constraint has them. */
function generalNetwork(entry: string): Buffer {
  const [address = '', prefix = '0'] = entry.split('/')
  const bytes = addressBytes(address)
  const mask = Buffer.alloc(bytes.length)
  for (let bit = 0; bit < Number(prefix); bit += 1) mask[bit >> 3] = (mask[bit >> 3] as number) | (0x80 >> (bit & 7))
  return Buffer.concat([bytes, mask])
}

function networkOf(addressAndMask: Buffer): string {
  const half = addressAndMask.length / 2
  const address = addressText(addressAndMask.subarray(0, half))
  const mask = addressAndMask.subarray(half)
  const ones = [...mask].map((byte) => byte.toString(2).padStart(8, '0')).join('')
  // A mask with holes cannot be written as a prefix: the single address is the safe reading.
  return `${address}/${/^1*0*$/.test(ones) ? ones.replaceAll('0', '').length : half * 8}`
}

function asNetwork(address: string, bits = isIPv4(address) ? 32 : 128): string {
  return `${addressText(addressBytes(address))}/${bits}`
}

const DNS_NAME = 2
const IP_ADDRESS = 7
// RFC 2606: nobody can have a name under it.
const NO_NAME = 'invalid'
