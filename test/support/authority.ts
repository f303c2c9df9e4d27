import { createHash, generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto'
import { isIP } from 'node:net'

/** A certificate with its key, both PEM. `cert` holds the leaf only; clients know the authority. */
export type Identity = { readonly cert: string; readonly key: string }

export type IssueOptions = {
  /** Milliseconds from now; default an hour ago to a day from now. */
  readonly notBefore?: number
  readonly notAfter?: number
  /** Default serverAuth. */
  readonly usage?: 'server' | 'client'
  /** Common names; default the first of the names. None makes an empty subject. */
  readonly subject?: readonly string[]
  /** More alternative names. */
  readonly uris?: readonly string[]
  readonly emails?: readonly string[]
}

export type TestAuthority = {
  /** The root, PEM. */
  readonly cert: string
  readonly key: string
  /** A leaf for these DNS names and IP addresses. */
  readonly issue: (names: readonly string[], options?: IssueOptions) => Identity
}

/** A certificate authority for tests. It shares no code with src/tls, so that the two check each other. ECDSA P-256, a leaf takes well under a millisecond. */
export function testAuthority(name = 'Sallyport test origins'): TestAuthority {
  const ca = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const leaf = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const key = leaf.privateKey.export({ type: 'pkcs8', format: 'pem' })
  const rootExtensions = [
    extension(oids.basicConstraints, true, sequence(boolean(true))),
    extension(oids.keyUsage, true, bits([0x06], 1)),
    extension(oids.subjectKeyId, false, octets(keyId(ca.publicKey))),
  ]
  const root = {
    subject: [name],
    issuer: name,
    from: -hour,
    to: 30 * day,
    publicKey: ca.publicKey,
    signer: ca.privateKey,
  }
  return {
    cert: certificate({ ...root, extensions: rootExtensions }),
    key: ca.privateKey.export({ type: 'pkcs8', format: 'pem' }),
    issue: (names, { notBefore = -hour, notAfter = day, usage = 'server', subject, uris = [], emails = [] } = {}) => {
      const alternative = [
        ...names.map(generalName),
        ...emails.map((email) => tlv(0x81, Buffer.from(email, 'latin1'))),
        ...uris.map((uri) => tlv(0x86, Buffer.from(uri, 'latin1'))),
      ]
      const extensions = [
        extension(oids.basicConstraints, true, sequence()),
        extension(oids.keyUsage, true, bits([0x80], 7)),
        extension(oids.extendedKeyUsage, false, sequence(oid(usage === 'server' ? oids.serverAuth : oids.clientAuth))),
        extension(oids.authorityKeyId, false, sequence(tlv(0x80, keyId(ca.publicKey)))),
        ...(alternative.length === 0 ? [] : [extension(oids.subjectAltName, false, sequence(...alternative))]),
      ]
      const terms = {
        subject: subject ?? [names[0] ?? 'nobody'],
        issuer: name,
        from: notBefore,
        to: notAfter,
        publicKey: leaf.publicKey,
      }
      return { cert: certificate({ ...terms, signer: ca.privateKey, extensions }), key }
    },
  }
}

/** A server certificate that nobody but itself vouches for. */
export function selfSigned(name: string): Identity {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const extensions = [
    extension(oids.extendedKeyUsage, false, sequence(oid(oids.serverAuth))),
    extension(oids.subjectAltName, false, sequence(generalName(name))),
  ]
  const terms = { subject: [name], issuer: name, from: -hour, to: day, publicKey, signer: privateKey, extensions }
  return { cert: certificate(terms), key: privateKey.export({ type: 'pkcs8', format: 'pem' }) }
}

type Terms = {
  readonly subject: readonly string[]
  readonly issuer: string
  readonly from: number
  readonly to: number
  readonly publicKey: KeyObject
  readonly signer: KeyObject
  readonly extensions: readonly Buffer[]
}

// RFC 5280, 4.1.
function certificate(terms: Terms): string {
  const serial = randomBytes(16)
  serial[0] = ((serial[0] as number) & 0x3f) | 0x40
  const algorithm = sequence(oid(oids.ecdsaWithSha256))
  const body = sequence(
    tlv(0xa0, integer(Buffer.from([2]))),
    integer(serial),
    algorithm,
    distinguishedName([terms.issuer]),
    sequence(time(Date.now() + terms.from), time(Date.now() + terms.to)),
    distinguishedName(terms.subject),
    terms.publicKey.export({ type: 'spki', format: 'der' }) as Buffer,
    tlv(0xa3, sequence(...terms.extensions)),
  )
  const signature = sign('sha256', body, { key: terms.signer, dsaEncoding: 'der' })
  const base64 = sequence(body, algorithm, bits(signature, 0)).toString('base64')
  return `-----BEGIN CERTIFICATE-----\n${(base64.match(/.{1,64}/g) ?? []).join('\n')}\n-----END CERTIFICATE-----\n`
}

function keyId(key: KeyObject): Buffer {
  const spki = key.export({ type: 'spki', format: 'der' }) as Buffer
  return createHash('sha1')
    .update(spki.subarray(spki.length - 65))
    .digest()
}

function generalName(name: string): Buffer {
  const family = isIP(name)
  if (family === 0) return tlv(0x82, Buffer.from(name, 'latin1'))
  return tlv(0x87, family === 4 ? Buffer.from(name.split('.').map(Number)) : ipv6(name))
}

function ipv6(address: string): Buffer {
  const [head = '', tail] = address.split('::')
  const words = (text: string) => (text === '' ? [] : text.split(':').map((word) => Number.parseInt(word, 16)))
  const [first, last] = [words(head), words(tail ?? '')]
  const all = [...first, ...Array.from({ length: 8 - first.length - last.length }, () => 0), ...last]
  return Buffer.from(all.flatMap((word) => [word >> 8, word & 0xff]))
}

function distinguishedName(names: readonly string[]): Buffer {
  return sequence(...names.map((name) => tlv(0x31, sequence(oid(oids.commonName), tlv(0x0c, Buffer.from(name))))))
}

function extension(id: string, critical: boolean, value: Buffer): Buffer {
  return sequence(oid(id), ...(critical ? [boolean(true)] : []), octets(value))
}

// UTCTime: RFC 5280, 4.1.2.5 asks for it until 2049.
function time(at: number): Buffer {
  return tlv(
    0x17,
    Buffer.from(
      new Date(at)
        .toISOString()
        .replaceAll(/[-:T]|\.\d+/g, '')
        .slice(2),
    ),
  )
}

function oid(dotted: string): Buffer {
  const [a = 0, b = 0, ...rest] = dotted.split('.').map(Number)
  const bytes = [a * 40 + b]
  for (const arc of rest) {
    const base128 = [arc & 0x7f]
    for (let left = arc >> 7; left > 0; left >>= 7) base128.unshift((left & 0x7f) | 0x80)
    bytes.push(...base128)
  }
  return tlv(0x06, Buffer.from(bytes))
}

const sequence = (...parts: Buffer[]) => tlv(0x30, ...parts)
const octets = (value: Buffer) => tlv(0x04, value)
const integer = (value: Buffer) => tlv(0x02, value)
const boolean = (value: boolean) => tlv(0x01, Buffer.from([value ? 0xff : 0]))
const bits = (value: Uint8Array | number[], unused: number) => tlv(0x03, Buffer.from([unused]), Buffer.from(value))

function tlv(tag: number, ...parts: Buffer[]): Buffer {
  const content = Buffer.concat(parts)
  const { length } = content
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...size]), content])
}

const hour = 3_600_000
const day = 24 * hour

const oids = {
  commonName: '2.5.4.3',
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  basicConstraints: '2.5.29.19',
  keyUsage: '2.5.29.15',
  extendedKeyUsage: '2.5.29.37',
  subjectKeyId: '2.5.29.14',
  authorityKeyId: '2.5.29.35',
  subjectAltName: '2.5.29.17',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
}
