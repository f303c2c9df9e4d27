import { accessSync, constants } from 'node:fs'
import type { Socket } from 'node:net'
import { addressText } from '../lib/address-bytes.ts'
import { plainAddress } from '../lib/ip.ts'
import { trackedDestination } from './conntrack.ts'
import type { Destination, Flow } from './conntrack.ts'

/** Where a connection was going before a firewall redirected it to us; undefined when it was not, or the system does not tell. */
export type OriginalDestination = (socket: Socket) => Promise<Destination | undefined>

/** How to find out; both unless it says otherwise. */
export type Ways = {
  /** Default true. */
  readonly kernel?: boolean
  /** Default that of Linux. */
  readonly table?: string
}

/**
 * Asks the kernel for each connection (Linux: getsockopt `SO_ORIGINAL_DST`, which needs no privileges); where this Node cannot, looks in its
 * table of connections, which root may read. Elsewhere nothing is told. The socket has to be one that was just accepted.
 */
export function originalDestination({ kernel = true, table = '/proc/net/nf_conntrack' }: Ways = {}): {
  readonly ask: OriginalDestination
  /** Where it is told. */
  readonly from: 'kernel' | 'table' | 'nowhere'
} {
  const asked = kernel && process.platform === 'linux' ? kernelsAnswer() : undefined
  const look = trackedDestination(table)
  const ask: OriginalDestination = async (socket) => {
    const flow = flowOf(socket)
    if (flow === undefined) return undefined
    const told = asked === undefined ? await look(flow) : asked(socket)
    // A connection that nobody redirected is tracked, too, as one to where it arrived.
    return told?.address === flow.local && told.port === flow.localPort ? undefined : told
  }
  return { ask, from: asked !== undefined ? 'kernel' : isReadable(table) ? 'table' : 'nowhere' }
}

function isReadable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK)
    return true
  } catch {
    return false
  }
}

/** The `struct sockaddr` that the kernel wrote (ip(7), ipv6(7)); undefined for what is none. */
export function sockaddr(bytes: Buffer): Destination | undefined {
  if (bytes.length < 8) return undefined
  // In the order of the machine, which is little-endian wherever Node runs on Linux but on s390x.
  const family = new Uint16Array(Uint8Array.from(bytes.subarray(0, 2)).buffer)[0]
  const port = bytes.readUInt16BE(2)
  const address =
    family === inet ? bytes.subarray(4, 8) : family === inet6 && bytes.length >= 24 ? bytes.subarray(8, 24) : undefined
  return address === undefined || port === 0 ? undefined : { address: plainAddress(addressText(address)), port }
}

function flowOf(socket: Socket): Flow | undefined {
  const { remoteAddress, remotePort, localAddress, localPort } = socket
  if (remoteAddress === undefined || remotePort === undefined) return undefined
  if (localAddress === undefined || localPort === undefined) return undefined
  return { client: plainAddress(remoteAddress), clientPort: remotePort, local: plainAddress(localAddress), localPort }
}

/** Undefined where this Node cannot call the kernel: FFI came with 26.1, and is experimental. */
function kernelsAnswer(): ((socket: Socket) => Destination | undefined) | undefined {
  const library = openLibrary()
  if (library === undefined) return undefined
  const address = Buffer.alloc(sockaddrBytes)
  const length = new Uint32Array(1)
  return (socket) => {
    const fd = (socket as { readonly _handle?: { readonly fd?: unknown } | null })._handle?.fd
    if (typeof fd !== 'number' || !Number.isInteger(fd) || fd < 0) return undefined
    address.fill(0)
    length[0] = sockaddrBytes
    // A socket of IPv6 with a client of IPv4 is asked as one of IPv4.
    const level = plainAddress(socket.remoteAddress ?? '').includes(':') ? levelIpv6 : levelIp
    if (library.functions.getsockopt(fd, level, originalDst, address, length) !== 0) return undefined
    return length[0] > sockaddrBytes ? undefined : sockaddr(address.subarray(0, length[0]))
  }
}

type Ffi = { readonly dlopen: (path: null, functions: object) => unknown }

type Library = {
  readonly functions: {
    readonly getsockopt: (fd: number, level: number, option: number, value: Buffer, length: Uint32Array) => number
  }
}

function openLibrary(): Library | undefined {
  try {
    const ffi = withoutNotice(() => process.getBuiltinModule('node:ffi') as Ffi | undefined)
    const signature = { arguments: ['i32', 'i32', 'i32', 'buffer', 'buffer'], return: 'i32' } as const
    // The whole of what it returns is kept: who lets go of the library loses its functions.
    return ffi?.dlopen(null, { getsockopt: signature }) as Library | undefined
  } catch {
    return undefined
  }
}

/** Node warns of what is experimental when it is loaded. It is we who chose it; all other warnings are for the user. */
function withoutNotice<T>(load: () => T): T {
  const { emitWarning } = process
  process.emitWarning = (warning: string | Error, ...how: unknown[]) => {
    if (how[0] !== 'ExperimentalWarning') Reflect.apply(emitWarning, process, [warning, ...how])
  }
  try {
    return load()
  } finally {
    process.emitWarning = emitWarning
  }
}

// linux/netfilter_ipv4.h and linux/netfilter_ipv6/ip6_tables.h: the option is 80 in both, the level says which.
const originalDst = 80
const levelIp = 0
const levelIpv6 = 41
const inet = 2
const inet6 = 10
// Of struct sockaddr_in6, the longer one.
const sockaddrBytes = 28
