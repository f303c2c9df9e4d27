import { BlockList, isIP, isIPv4, isIPv6 } from 'node:net'
import { addressBytes, addressText } from './address-bytes.ts'

/** An address in its one usual spelling, without brackets and zone; IPv4-mapped IPv6 becomes IPv4. What is no address stays, in lower case. */
export function plainAddress(address: string): string {
  if (isIPv4(address)) return address
  const bare = address.startsWith('[') && address.endsWith(']') ? address.slice(1, -1) : address
  const zone = bare.indexOf('%')
  const noZone = zone === -1 ? bare : bare.slice(0, zone)
  if (!isIPv6(noZone)) return noZone.toLowerCase()
  const bytes = addressBytes(noZone)
  return addressText(bytes.indexOf(mappedPrefix) === 0 ? bytes.subarray(12) : bytes)
}

const mappedPrefix = Buffer.from('00000000000000000000ffff', 'hex')

export type AddressSet = (address: string) => boolean

/** Membership in a list of networks: `10.0.0.0/8`, `::1/128`, or single addresses. Throws RangeError naming the first bad one. */
export function addressSet(networks: readonly string[]): AddressSet {
  const list = new BlockList()
  for (const network of networks) addNetwork(list, network)
  return (address) => {
    const plain = plainAddress(address)
    const family = isIP(plain)
    return family !== 0 && list.check(plain, family === 4 ? 'ipv4' : 'ipv6')
  }
}

function addNetwork(list: BlockList, network: string): void {
  const [address = '', prefix] = network.split('/')
  const family = isIPv4(address) ? 'ipv4' : isIPv6(address) ? 'ipv6' : undefined
  if (family === undefined) throw new RangeError(`not an address or network: ${network}`)
  const width = family === 'ipv4' ? 32 : 128
  const bits = prefix === undefined ? width : Number(prefix)
  if (!/^\d+$/.test(prefix ?? '0') || bits > width) throw new RangeError(`not a network: ${network}`)
  list.addSubnet(address, bits, family)
}

/**
 * Addresses that no request of a client may reach unless the operator says so: loopback, private, link-local (cloud metadata
 * among them), CGNAT, multicast, reserved, documentation, and the IPv6 forms that carry an IPv4 address inside
 * (IANA special-purpose registries, RFC 6890).
 */
export function isSpecialAddress(address: string): boolean {
  const plain = plainAddress(address)
  if (special(plain)) return true
  const inner = embeddedIPv4(plain)
  return inner !== undefined && special(inner)
}

/** The networks of `isSpecialAddress`, without the forms that carry an IPv4 address inside. */
export const specialNetworks: readonly string[] = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
  '::/127',
  '2001::/23',
  '::ffff:0:0:0/96',
  '100::/64',
  '100:0:0:1::/64',
  '2001:db8::/32',
  '3fff::/20',
  '5f00::/16',
  'fc00::/7',
  'fe80::/10',
  'fec0::/10',
  'ff00::/8',
  '64:ff9b:1::/48',
]

const special = addressSet(specialNetworks)

/** The IPv4 address inside a NAT64 (64:ff9b::/96), 6to4 (2002::/16) or IPv4-compatible (::/96) address. */
function embeddedIPv4(address: string): string | undefined {
  if (!isIPv6(address)) return undefined
  const groups = ipv6Groups(address)
  const quad = (high: number, low: number): string => `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`
  const [a = 0, b = 0, c = 0] = groups
  const tail = quad(groups[6] ?? 0, groups[7] ?? 0)
  if (a === 0x64 && b === 0xff9b && groups.slice(2, 6).every((g) => g === 0)) return tail
  if (a === 0x2002) return quad(b, c)
  if (groups.slice(0, 6).every((g) => g === 0) || (groups.slice(0, 5).every((g) => g === 0) && groups[5] === 0xffff))
    return tail
  return undefined
}

function ipv6Groups(address: string): number[] {
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(address)
  const hex = (high: string, low: string): string => (Number(high) * 256 + Number(low)).toString(16)
  const text = dotted === null ? address : `${dotted[1]}${hex(dotted[2]!, dotted[3]!)}:${hex(dotted[4]!, dotted[5]!)}`
  const [head = '', tail] = text.split('::')
  const parse = (part: string): number[] =>
    part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16))
  if (tail === undefined) return parse(head)
  const before = parse(head)
  const after = parse(tail)
  return [...before, ...Array.from({ length: 8 - before.length - after.length }, () => 0), ...after]
}
