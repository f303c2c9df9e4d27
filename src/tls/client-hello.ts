export type Peek =
  | { readonly kind: 'more' }
  | { readonly kind: 'not-tls' }
  | { readonly kind: 'invalid'; readonly reason: string }
  | ClientHello

export type ClientHello = {
  readonly kind: 'hello'
  /** Lower case, without a trailing dot; undefined when absent or an IP literal (RFC 6066, 3 forbids those). */
  readonly sni: string | undefined
  readonly alpn: readonly string[]
  /** On offer, as on the wire: 0x0304 is TLS 1.3. */
  readonly versions: readonly number[]
  /** An encrypted_client_hello extension is there, real or GREASE: `sni` is the outer name. */
  readonly ech: boolean
  /** Bytes of the input up to the end of the record that completes the hello. */
  readonly length: number
}

/**
 * Reads a TLS ClientHello (RFC 8446, 4.1.2) from the first bytes of a connection, split over records and cut anywhere. A prefix of
 * a hello is always `more`, never another answer.
 */
export function peekClientHello(bytes: Uint8Array): Peek {
  try {
    return readHello(bytes)
  } catch (thrown) {
    if (thrown instanceof Malformed) return { kind: 'invalid', reason: thrown.message }
    throw thrown
  }
}

function readHello(bytes: Uint8Array): Peek {
  const gathered = gather(bytes)
  if ('kind' in gathered) return gathered
  const hello = cursor(gathered.message)
  const legacyVersion = hello.u16()
  hello.skip(32)
  if (hello.vector8().left() > 32) throw new Malformed('session id too long')
  const suites = hello.vector16().left()
  if (suites === 0 || suites % 2 === 1) throw new Malformed('bad list of cipher suites')
  if (hello.vector8().left() === 0) throw new Malformed('no compression methods')
  const facts: Facts = { sni: undefined, alpn: [], versions: undefined, ech: false }
  if (hello.left() > 0) readExtensions(hello.vector16(), facts)
  if (hello.left() > 0) throw new Malformed('bytes after the extensions')
  const versions = facts.versions ?? [legacyVersion]
  return { kind: 'hello', sni: facts.sni, alpn: facts.alpn, versions, ech: facts.ech, length: gathered.length }
}

type Facts = { sni: string | undefined; alpn: string[]; versions: number[] | undefined; ech: boolean }

/** The body of the handshake message, joined from its records (RFC 8446, 5.1). */
function gather(bytes: Uint8Array): Peek | { message: Uint8Array; length: number } {
  const fragments: Uint8Array[] = []
  let needed = HANDSHAKE_HEADER
  let held = 0
  let at = 0
  while (held < needed) {
    const record = recordAt(bytes, at)
    if ('kind' in record) return record
    fragments.push(record.fragment)
    if (fragments.length > MAX_RECORDS) throw new Malformed('hello split over too many records')
    at += RECORD_HEADER + record.length
    const before = held
    held += record.fragment.length
    if (before < HANDSHAKE_HEADER) needed = HANDSHAKE_HEADER + messageLength(fragments, held)
    if (held < needed && record.fragment.length < record.length) return { kind: 'more' }
  }
  if (at > bytes.length) return { kind: 'more' }
  if (held > needed) throw new Malformed('bytes after the hello in its record')
  const whole = fragments.length === 1 ? (fragments[0] as Uint8Array) : Buffer.concat(fragments, held)
  return { message: whole.subarray(HANDSHAKE_HEADER), length: at }
}

/** One record's payload as far as it is there; `length` is the full one. */
function recordAt(bytes: Uint8Array, at: number): Peek | { fragment: Uint8Array; length: number } {
  const first = at === 0
  const left = bytes.length - at
  if (left >= 1 && bytes[at] !== HANDSHAKE) return first ? { kind: 'not-tls' } : wrongRecord()
  if (left >= 2 && bytes[at + 1] !== 3) return first ? { kind: 'not-tls' } : wrongRecord()
  if (left < RECORD_HEADER) return { kind: 'more' }
  const length = ((bytes[at + 3] as number) << 8) | (bytes[at + 4] as number)
  if (length === 0 || length > MAX_FRAGMENT) throw new Malformed('bad record length')
  const start = at + RECORD_HEADER
  return { fragment: bytes.subarray(start, Math.min(start + length, bytes.length)), length }
}

function wrongRecord(): never {
  throw new Malformed('another kind of record inside the hello')
}

/** Length of the message once its header is there, 0 before. Refuses what cannot become a hello as early as it shows. */
function messageLength(fragments: readonly Uint8Array[], held: number): number {
  const header = Buffer.concat(fragments, Math.min(held, HANDSHAKE_HEADER))
  if (header.length > 0 && header[0] !== CLIENT_HELLO) throw new Malformed('the first message is not a ClientHello')
  if (header.length < HANDSHAKE_HEADER) return 0
  const length = header.readUIntBE(1, 3)
  if (length > MAX_HELLO) throw new Malformed('hello longer than 64 KB')
  return length
}

function readExtensions(list: Cursor, facts: Facts): void {
  const seen = new Set<number>()
  while (list.left() > 0) {
    const type = list.u16()
    const data = list.vector16()
    // RFC 8446, 4.2: there MUST NOT be more than one extension of the same type.
    if (seen.has(type)) throw new Malformed('an extension appears twice')
    seen.add(type)
    if (type === SERVER_NAME) facts.sni = readServerName(data)
    else if (type === ALPN) facts.alpn = readProtocols(data)
    else if (type === SUPPORTED_VERSIONS) facts.versions = readVersions(data)
    else if (type === ENCRYPTED_CLIENT_HELLO) facts.ech = true
  }
}

function readServerName(data: Cursor): string | undefined {
  const names = data.vector16()
  let name: string | undefined
  while (names.left() > 0) {
    const type = names.u8()
    const value = names.vector16()
    if (type !== 0) continue
    if (name !== undefined) throw new Malformed('two names in SNI')
    name = value.latin1()
  }
  return name === undefined ? undefined : hostName(name)
}

/** The name as it is compared everywhere, undefined for an IP literal. Anything else than a host name is refused. */
function hostName(raw: string): string | undefined {
  const name = (raw.endsWith('.') ? raw.slice(0, -1) : raw).toLowerCase()
  if (IPV4.test(name) || IPV6.test(name)) return undefined
  if (name.length > 253 || !HOST_NAME.test(name)) throw new Malformed('SNI is not a host name')
  return name
}

function readProtocols(data: Cursor): string[] {
  const list = data.vector16()
  const protocols: string[] = []
  while (list.left() > 0) {
    const name = list.vector8()
    if (name.left() === 0) throw new Malformed('an empty ALPN name')
    const grease = name.left() === 2 && isGrease(name.peek16())
    if (!grease) protocols.push(name.latin1())
  }
  return protocols
}

function readVersions(data: Cursor): number[] {
  const list = data.vector8()
  const versions: number[] = []
  while (list.left() > 0) {
    const version = list.u16()
    if (!isGrease(version)) versions.push(version)
  }
  return versions
}

/** RFC 8701: 0x0a0a, 0x1a1a, … mean nothing and are there to be ignored. */
function isGrease(value: number): boolean {
  return (value & 0x0f0f) === 0x0a0a && value >> 8 === (value & 0xff)
}

type Cursor = {
  readonly left: () => number
  readonly u8: () => number
  readonly u16: () => number
  readonly peek16: () => number
  readonly skip: (count: number) => void
  /** A vector with its length in front in one or two bytes. */
  readonly vector8: () => Cursor
  readonly vector16: () => Cursor
  readonly latin1: () => string
}

function cursor(bytes: Uint8Array): Cursor {
  let at = 0
  const take = (count: number): number => {
    if (at + count > bytes.length) throw new Malformed('a length reaches beyond its field')
    at += count
    return at - count
  }
  const u8 = (): number => bytes[take(1)] as number
  const peek16 = (): number => ((bytes[at] as number) << 8) | (bytes[at + 1] as number)
  const u16 = (): number => {
    const start = take(2)
    return ((bytes[start] as number) << 8) | (bytes[start + 1] as number)
  }
  const vector = (length: number): Cursor => {
    const start = take(length)
    return cursor(bytes.subarray(start, start + length))
  }
  return {
    left: () => bytes.length - at,
    u8,
    u16,
    peek16,
    skip: (count) => void take(count),
    vector8: () => vector(u8()),
    vector16: () => vector(u16()),
    latin1: () => Buffer.from(bytes.buffer, bytes.byteOffset + at, bytes.length - at).toString('latin1'),
  }
}

class Malformed extends Error {}

const RECORD_HEADER = 5
const HANDSHAKE_HEADER = 4
const HANDSHAKE = 22
const CLIENT_HELLO = 1
const MAX_FRAGMENT = 1 << 14
const MAX_HELLO = 1 << 16
// A hello in one-byte records is odd but legal; beyond this it only costs time.
const MAX_RECORDS = 4096
const SERVER_NAME = 0
const ALPN = 16
const SUPPORTED_VERSIONS = 43
const ENCRYPTED_CLIENT_HELLO = 0xfe0d
// RFC 1123, 2.1, with the underscore that is met in practice.
const HOST_NAME = /^(?!-)[a-z0-9_-]{1,63}(?<!-)(?:\.(?!-)[a-z0-9_-]{1,63}(?<!-))*$/
const IPV4 = /^\d{1,3}(?:\.\d{1,3}){3}$/
const IPV6 = /^\[?[0-9a-f]*:[0-9a-f:.]*\]?$/
