import { createHash, createPublicKey, type KeyObject, randomBytes, sign } from 'node:crypto'
import {
  type Asn1,
  bits,
  boolean,
  childrenOf,
  bytesOf,
  decodeDer,
  encodeDer,
  integer,
  nothing,
  octets,
  oid,
  oidOf,
  sequence,
  set,
  tagged,
  taggedBytes,
  time,
  utf8,
} from '../lib/der.ts'

export type CertificateFields = {
  readonly serial: Uint8Array
  readonly issuer: Asn1
  readonly subject: Asn1
  /** Milliseconds since 1970. */
  readonly notBefore: number
  readonly notAfter: number
  /** SubjectPublicKeyInfo. */
  readonly publicKey: Asn1
  readonly extensions: readonly Asn1[]
}

/** The DER of a version 3 certificate (RFC 5280, 4.1) signed with `signer`. */
export function signedCertificate(fields: CertificateFields, signer: KeyObject): Buffer {
  const algorithm = signatureAlgorithm(signer)
  const body = sequence(
    tagged(0, integer(2)),
    integer(fields.serial),
    algorithm.identifier,
    fields.issuer,
    sequence(time(fields.notBefore), time(fields.notAfter)),
    fields.subject,
    fields.publicKey,
    tagged(3, sequence(...fields.extensions)),
  )
  return signed(body, signer)
}

/** SEQUENCE { body, algorithm, signature }: the outer form of certificates and revocation lists. */
export function signed(body: Asn1, signer: KeyObject): Buffer {
  const { identifier, digest } = signatureAlgorithm(signer)
  return encodeDer(sequence(body, identifier, bits(sign(digest, encodeDer(body), signer))))
}

/** How a key of this kind signs. Throws on kinds that certificates of today's clients do not carry. */
export function signatureAlgorithm(key: KeyObject): { identifier: Asn1; digest: string | null } {
  const kind = key.asymmetricKeyType === 'ec' ? key.asymmetricKeyDetails?.namedCurve : key.asymmetricKeyType
  const known = SIGNATURES.get(kind ?? '')
  if (known === undefined) throw new TypeError(`keys of type ${kind} cannot sign certificates`)
  const parameters = kind === 'rsa' ? [nothing()] : []
  return { identifier: sequence(oid(known.oid), ...parameters), digest: known.digest }
}

/** An extension (RFC 5280, 4.2). */
export function extension(id: string, critical: boolean, value: Asn1): Asn1 {
  return sequence(oid(id), ...(critical ? [boolean(true)] : []), octets(encodeDer(value)))
}

/** A distinguished name of attributes in order, all as UTF8String. */
export function distinguishedName(attributes: { organization: string; unit?: string; commonName?: string }): Asn1 {
  const parts: Asn1[] = []
  for (const [name, id] of Object.entries(ATTRIBUTES)) {
    const value = attributes[name as keyof typeof ATTRIBUTES]
    if (value !== undefined) parts.push(set(sequence(oid(id), utf8(value))))
  }
  return sequence(...parts)
}

/** A KeyUsage value: the first bits of one octet, `digitalSignature` being the highest. */
export function keyUsage(octet: number): Asn1 {
  const unused = Math.clz32(octet & -octet) === 32 ? 0 : 31 - Math.clz32(octet & -octet)
  return bits(Uint8Array.of(octet), unused)
}

/** An AuthorityKeyIdentifier value with the key id only. */
export const authorityKeyId = (keyId: Uint8Array): Asn1 => sequence(taggedBytes(0, keyId))

/** The SubjectPublicKeyInfo of a key's public half. */
export function publicKeyInfo(key: KeyObject): Asn1 {
  const half = key.type === 'private' ? createPublicKey(key) : key
  return decodeDer(half.export({ type: 'spki', format: 'der' }))
}

/** 160 bits that identify a key: the leftmost of SHA-256 over the public key's bits (RFC 7093, 2, method 1). */
export function keyIdOf(publicKey: Asn1): Buffer {
  const key = bytesOf(childrenOf(publicKey)[1]).subarray(1)
  return createHash('sha256').update(key).digest().subarray(0, 20)
}

/** A random serial number of 127 bits: positive, never shorter, unique by chance alone (RFC 5280, 4.1.2.2). */
export function randomSerial(): Buffer {
  const serial = randomBytes(16)
  serial[0] = ((serial[0] as number) & 0x7f) | 0x40
  return serial
}

/** What issuing under a certificate needs of it and node:crypto does not tell. */
export type Issuer = {
  readonly subject: Asn1
  /** The key identifier that certificates under it must name. */
  readonly keyId: Buffer
  /** The value of an extension by its OID. */
  readonly extension: (id: string) => Asn1 | undefined
}

/** Throws on bytes that are not a certificate. */
export function readIssuer(certificate: Uint8Array): Issuer {
  const body = childrenOf(childrenOf(decodeDer(certificate))[0])
  // The version, [0], is left out of version 1 certificates.
  const [, , , , subject, publicKey] = isTagged(body[0], 0) ? body.slice(1) : body
  if (subject === undefined || publicKey === undefined) throw new TypeError('not a certificate')
  const list = childrenOf(childrenOf(body.find((field) => isTagged(field, 3)))[0])
  const find = (id: string): Asn1 | undefined => {
    const found = list.find((entry) => oidOf(childrenOf(entry)[0]) === id)
    return found && decodeDer(bytesOf(childrenOf(found).at(-1)))
  }
  const keyId = bytesOf(find(OID.subjectKeyId))
  return { subject, keyId: keyId.length > 0 ? keyId : keyIdOf(publicKey), extension: find }
}

/** Whether a node has this context-specific tag. */
export function isTagged(node: Asn1 | undefined, tag: number): boolean {
  return node !== undefined && (node.tagClass as number) === 128 && (node.type as number) === tag
}

/** RFC 5280, 4.2. */
export const OID = {
  subjectKeyId: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  crlNumber: '2.5.29.20',
  nameConstraints: '2.5.29.30',
  crlDistributionPoints: '2.5.29.31',
  authorityKeyId: '2.5.29.35',
  extKeyUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
} as const

const ATTRIBUTES = { organization: '2.5.4.10', unit: '2.5.4.11', commonName: '2.5.4.3' } as const

// By named curve or key type: RFC 5758, RFC 4055, RFC 8410. Ed25519 brings its own digest.
const SIGNATURES = new Map<string, { oid: string; digest: string | null }>([
  ['prime256v1', { oid: '1.2.840.10045.4.3.2', digest: 'sha256' }],
  ['secp384r1', { oid: '1.2.840.10045.4.3.3', digest: 'sha384' }],
  ['secp521r1', { oid: '1.2.840.10045.4.3.4', digest: 'sha512' }],
  ['rsa', { oid: '1.2.840.113549.1.1.11', digest: 'sha256' }],
  ['ed25519', { oid: '1.3.101.112', digest: null }],
])
