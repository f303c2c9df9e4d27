import { createHash, createHmac, randomBytes } from 'node:crypto'
import { type Asn1, bmp, encodeDer, integer, nothing, octets, oid, sequence, set, tagged } from '../lib/der.ts'

/** A certificate under a name; the name is what `keytool -list` shows. */
export type TrustedCertificate = { readonly alias: string; readonly der: Uint8Array }

/** What Java's own stores are opened with. It protects nothing here: a trust store holds no secrets. */
export const STORE_PASSWORD = 'changeit'

/**
 * A PKCS#12 file (RFC 7292) of certificates only, which Java (8 and later) reads as a trust store: each carries Oracle's attribute
 * that says it may be trusted. Its integrity is by an HMAC-SHA1 with the password, which every Java, macOS and Windows can check.
 */
export function pkcs12TrustStore(certificates: readonly TrustedCertificate[], password = STORE_PASSWORD): Buffer {
  const bags = certificates.map(({ alias, der }) =>
    sequence(
      oid(OID.certBag),
      tagged(0, sequence(oid(OID.x509Certificate), tagged(0, octets(der)))),
      set(
        sequence(oid(OID.friendlyName), set(bmp(basicPlane(alias)))),
        sequence(oid(OID.trustedKeyUsage), set(oid(OID.anyExtendedKeyUsage))),
      ),
    ),
  )
  const contents = encodeDer(sequence(data(encodeDer(sequence(...bags)))))
  const salt = randomBytes(20)
  const key = pkcs12Key(password, salt, MAC_ROUNDS)
  const mac = createHmac('sha1', key).update(contents).digest()
  const macData = sequence(sequence(sequence(oid(OID.sha1), nothing()), octets(mac)), octets(salt), integer(MAC_ROUNDS))
  return encodeDer(sequence(integer(3), data(contents), macData))
}

/** The same certificates as a JKS file, Java's old format. */
export function jksTrustStore(
  certificates: readonly TrustedCertificate[],
  now: number,
  password = STORE_PASSWORD,
): Buffer {
  const parts: Buffer[] = [uint32(0xfeedfeed), uint32(2), uint32(certificates.length)]
  for (const { alias, der } of certificates) {
    parts.push(uint32(2), utf(alias.toLowerCase()), uint64(now), utf('X.509'), uint32(der.length), Buffer.from(der))
  }
  const content = Buffer.concat(parts)
  const digest = createHash('sha1').update(bigEndian16(password)).update('Mighty Aphrodite').update(content).digest()
  return Buffer.concat([content, digest])
}

/** The certificates of a PEM bundle, under names made of `prefix` and their number. */
export function trustedFromPem(pem: string, prefix: string): TrustedCertificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  return blocks.map((block, index) => ({
    alias: blocks.length === 1 ? prefix : `${prefix}-${index + 1}`,
    der: Buffer.from(block.replace(/-----[A-Z ]+-----/g, ''), 'base64'),
  }))
}

const data = (content: Uint8Array): Asn1 => sequence(oid(OID.data), tagged(0, octets(content)))

/** RFC 7292, B.2, for the key of a MAC: purpose 3, SHA-1, so one round of 20 bytes is enough. */
function pkcs12Key(password: string, salt: Uint8Array, rounds: number): Buffer {
  const block = 64
  const secret = Buffer.concat([bigEndian16(password), Buffer.alloc(2)])
  const fill = (value: Uint8Array): Buffer => Buffer.alloc(Math.ceil(value.length / block) * block, value)
  let key = createHash('sha1').update(Buffer.alloc(block, 3)).update(fill(salt)).update(fill(secret)).digest()
  for (let round = 1; round < rounds; round += 1) key = createHash('sha1').update(key).digest()
  return key
}

function bigEndian16(text: string): Buffer {
  return Buffer.from(text, 'utf16le').swap16()
}

function basicPlane(text: string): string {
  return text.replace(/[\ud800-\udfff]/g, '?')
}

function utf(text: string): Buffer {
  const bytes = Buffer.from(text)
  const length = Buffer.alloc(2)
  length.writeUInt16BE(bytes.length)
  return Buffer.concat([length, bytes])
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

function uint64(value: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(BigInt(value))
  return bytes
}

const MAC_ROUNDS = 10_000
const OID = {
  data: '1.2.840.113549.1.7.1',
  sha1: '1.3.14.3.2.26',
  certBag: '1.2.840.113549.1.12.10.1.3',
  x509Certificate: '1.2.840.113549.1.9.22.1',
  friendlyName: '1.2.840.113549.1.9.20',
  trustedKeyUsage: '2.16.840.1.113894.746875.1.1',
  anyExtendedKeyUsage: '2.5.29.37.0',
} as const
