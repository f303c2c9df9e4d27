import { isIPv4, isIPv6 } from 'node:net'

/** The 4 or 16 bytes of an IP address without brackets; a zone is left out. Throws RangeError on anything else. */
export function addressBytes(address: string): Buffer {
  if (isIPv4(address)) return Buffer.from(address.split('.').map(Number))
  const bare = address.split('%', 1)[0] as string
  if (!isIPv6(bare)) throw new RangeError(`not an IP address: ${address}`)
  // The URL parser knows every spelling of IPv6 and answers with one: no zeros in front, no dotted end.
  const [head = '', tail] = new URL(`http://[${bare}]`).hostname.slice(1, -1).split('::')
  const before = groupsOf(head)
  const after = groupsOf(tail ?? '')
  const middle = Array.from({ length: 8 - before.length - after.length }, () => 0)
  const groups = [...before, ...middle, ...after]
  return Buffer.from(groups.flatMap((group) => [group >> 8, group & 255]))
}

/** The usual spelling of 4 or 16 address bytes. */
export function addressText(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.')
  const hex = Buffer.from(bytes).toString('hex')
  return new URL(`http://[${(hex.match(/.{4}/g) ?? []).join(':')}]`).hostname.slice(1, -1)
}

function groupsOf(text: string): number[] {
  return text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16))
}
