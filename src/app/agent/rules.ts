import { isIPv4 } from 'node:net'
import { specialNetworks } from '../../lib/ip.ts'
import type { Address } from '../listen.ts'

/** Whose traffic is redirected, and where to. */
export type Capture = {
  readonly who:
    | { readonly kind: 'users'; readonly uids: readonly number[] }
    | { readonly kind: 'machine'; readonly except: readonly number[] }
  /** The group of our own processes, whose traffic is never touched. */
  readonly group: number
  /** The listeners; a family without one is refused, so that clients take the other. */
  readonly ipv4: Address | undefined
  readonly ipv6: Address | undefined
  /** Networks that are redirected although private: `upstream.allowPrivate`. */
  readonly opened: readonly string[]
}

/**
 * Everything the agent asks of nftables, as one line, and so as one transaction; it may be sent again with other settings. The
 * table belongs to the nft that was sent the line: the kernel removes it when that process ends, and lets nobody else change it.
 * What has no socket of a process (answers of the kernel itself) has no user and no group, matches nothing, and is left alone.
 */
export function captureCommand(capture: Capture): string {
  const opened = byFamily(capture.opened)
  const left = byFamily(specialNetworks)
  return [
    `add table inet ${TABLE} { flags owner; }`,
    ...sets.map(([name, type]) => add('set', `${name} { type ${type}; flags interval; auto-merge; }`)),
    // Before the nat rules of others, which would have the first word.
    add('chain', 'outgoing { type nat hook output priority -101; policy accept; }'),
    add('chain', 'refused { type filter hook output priority 0; policy accept; }'),
    ...chains.map((name) => add('chain', name)),
    `flush table inet ${TABLE}`,
    ...sets.map(([name]) => `flush set inet ${TABLE} ${name}`),
    ...elements('opened4', opened.ipv4),
    ...elements('opened6', opened.ipv6),
    ...elements('left4', left.ipv4),
    ...elements('left6', left.ipv6),
    ...redirection(capture),
    ...refusals(capture),
  ].join('; ')
}

/** The name of the table. */
export const TABLE = 'sallyport_agent'

/**
 * Nothing new is redirected or refused; connections that are redirected stay so. The rules that nothing leads to any more must stay too:
 * the kernel follows connections only as long as a rule needs it, and translates only those that it follows.
 */
export const RELEASE = `flush chain inet ${TABLE} outgoing; flush chain inet ${TABLE} refused`

/** Whether a listing of the table redirects anything. */
export function redirects(listing: string): boolean {
  return /^\s*meta skgid .* jump web$/m.test(listing)
}

function redirection(capture: Capture): string[] {
  return [
    rule('outgoing', `${whose(capture)} tcp dport { 80, 443 } jump web`),
    ...destinations('web', 'to_listener'),
    ...toListener('to_listener', 'tcp', capture),
    rule('outgoing', `${whose(capture)} udp dport 443 jump quic`),
    ...destinations('quic', 'to_nobody'),
    ...toListener('to_nobody', 'udp', capture),
  ]
}

/** The kernel gives the answers, and the refusals, the address that was asked for. */
function toListener(chain: string, transport: 'tcp' | 'udp', { ipv4, ipv6 }: Capture): string[] {
  const to = (family: string, type: string, address: string): string =>
    rule(chain, `meta nfproto ${family} meta l4proto ${transport} dnat ${type} to ${address}`)
  return [
    ...(ipv4 === undefined ? [] : [to('ipv4', 'ip', `${ipv4.host}:${ipv4.port}`)]),
    ...(ipv6 === undefined ? [] : [to('ipv6', 'ip6', `[${ipv6.host}]:${ipv6.port}`)]),
  ]
}

/**
 * HTTP/3 goes to the port of the listener, where nobody takes UDP: to the client that is a closed port, and it takes TCP at once
 * (RFC 9308, 2). All of it does, for a list of addresses would let through what it does not know. Only new flows are translated; those
 * from before are refused here, as is TCP of a family that has no listener.
 */
function refusals(capture: Capture): string[] {
  const missing = [...(capture.ipv4 === undefined ? ['ipv4'] : []), ...(capture.ipv6 === undefined ? ['ipv6'] : [])]
  return [
    rule('refused', `${whose(capture)} udp dport 443 jump old_quic`),
    ...destinations('old_quic', 'no_udp'),
    rule('no_udp', 'reject with icmpx type port-unreachable'),
    ...missing.map((family) =>
      rule('refused', `${whose(capture)} meta nfproto ${family} tcp dport { 80, 443 } jump other_family`),
    ),
    ...destinations('other_family', 'no_tcp'),
    rule('no_tcp', 'meta l4proto tcp reject with tcp reset'),
  ]
}

/** Private and other special networks, and this machine itself, are left alone, unless the operator opened them. */
function destinations(chain: string, captured: string): string[] {
  return [
    rule(chain, `ip daddr @opened4 goto ${captured}`),
    rule(chain, `ip6 daddr @opened6 goto ${captured}`),
    rule(chain, 'ip daddr @left4 return'),
    rule(chain, 'ip6 daddr @left6 return'),
    rule(chain, 'fib daddr type local return'),
    rule(chain, `goto ${captured}`),
  ]
}

function whose({ who, group }: Capture): string {
  const ours = `meta skgid != ${group}`
  if (who.kind === 'users') return `${ours} meta skuid { ${who.uids.join(', ')} }`
  return who.except.length === 0 ? ours : `${ours} meta skuid != { ${who.except.join(', ')} }`
}

function byFamily(networks: readonly string[]): { readonly ipv4: string[]; readonly ipv6: string[] } {
  const of4 = (network: string): boolean => isIPv4(network.split('/')[0] ?? '')
  return { ipv4: networks.filter(of4), ipv6: networks.filter((network) => !of4(network)) }
}

function elements(set: string, networks: readonly string[]): string[] {
  return networks.length === 0 ? [] : [add('element', `${set} { ${networks.join(', ')} }`)]
}

const add = (what: string, which: string): string => `add ${what} inet ${TABLE} ${which}`
const rule = (chain: string, text: string): string => add('rule', `${chain} ${text}`)

const sets = [
  ['opened4', 'ipv4_addr'],
  ['opened6', 'ipv6_addr'],
  ['left4', 'ipv4_addr'],
  ['left6', 'ipv6_addr'],
] as const

const chains = ['web', 'to_listener', 'quic', 'to_nobody', 'old_quic', 'no_udp', 'other_family', 'no_tcp']
