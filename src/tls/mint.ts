import { generateKeyPairSync } from 'node:crypto'
import { domainToASCII } from 'node:url'
import { isIP } from 'node:net'
import { SallyportError } from '../core/errors.ts'
import { addressBytes } from '../lib/address-bytes.ts'
import { type Asn1, integer, oid, sequence, tagged, taggedBytes, time } from '../lib/der.ts'
import type { Authority } from './authority.ts'
import {
  authorityKeyId,
  distinguishedName,
  extension,
  keyUsage,
  OID,
  publicKeyInfo,
  randomSerial,
  signatureAlgorithm,
  signed,
  signedCertificate,
} from './x509.ts'

/** A key for leaves: its PKCS#8 PEM for the server, its public half ready to go into certificates. */
export type LeafKey = { readonly pem: string; readonly publicKey: Asn1 }

export type Leaf = { readonly der: Buffer; readonly pem: string; readonly notBefore: number; readonly notAfter: number }

export type LeafOptions = {
  readonly now: number
  readonly hours: number
  /** Where the authority's revocation list can be had over plain HTTP: SChannel refuses leaves without one. */
  readonly crlUrl?: string
}

/**
 * A server certificate for a host name or IP literal, valid from an hour ago for `hours`, never beyond the authority's end.
 * Throws `ca_not_permitted` when the authority may not vouch for the name, `leaf_mint_failed` when it cannot be in a certificate.
 */
export function mintLeaf(authority: Authority, { publicKey }: LeafKey, name: string, options: LeafOptions): Leaf {
  const host = certifiableName(name)
  if (!authority.permits(host)) {
    throw new SallyportError('ca_not_permitted', `the local CA may not vouch for ${host}`)
  }
  const notBefore = options.now - HOUR
  const notAfter = Math.min(options.now + options.hours * HOUR, authority.notAfter)
  if (notAfter <= options.now) throw new SallyportError('ca_unavailable', 'the local CA has expired', { hint: ROTATE })
  const der = signedCertificate(
    {
      serial: randomSerial(),
      issuer: authority.issuer.subject,
      subject: distinguishedName({ organization: 'Sallyport', commonName: commonName(host) }),
      notBefore,
      notAfter,
      publicKey,
      extensions: leafExtensions(authority, host, options.crlUrl),
    },
    authority.key,
  )
  return { der, pem: pemOf('CERTIFICATE', der), notBefore, notAfter }
}

/** A new P-256 key. One serves all leaves of a process for a day: a key for each would cost four times the signature. */
export function newLeafKey(): LeafKey {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return { pem: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string, publicKey: publicKeyInfo(privateKey) }
}

/** A revocation list of the authority (RFC 5280, 5) that revokes nothing, good for a week. DER. */
export function emptyCrl(authority: Authority, now: number): Buffer {
  const body = sequence(
    integer(1),
    signatureAlgorithm(authority.key).identifier,
    authority.issuer.subject,
    time(now - HOUR),
    time(now + 7 * 24 * HOUR),
    tagged(
      0,
      sequence(
        extension(OID.authorityKeyId, false, authorityKeyId(authority.issuer.keyId)),
        extension(OID.crlNumber, false, integer(Math.floor(now / 1000))),
      ),
    ),
  )
  return signed(body, authority.key)
}

/** PEM of DER bytes (RFC 7468). */
export function pemOf(label: string, der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? []
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`
}

function leafExtensions(authority: Authority, host: string, crlUrl: string | undefined): Asn1[] {
  const alternative = isIP(host) === 0 ? taggedBytes(2, Buffer.from(host)) : taggedBytes(7, addressBytes(host))
  const list = [
    extension(OID.keyUsage, true, keyUsage(DIGITAL_SIGNATURE)),
    extension(OID.extKeyUsage, false, sequence(oid(OID.serverAuth))),
    extension(OID.basicConstraints, true, sequence()),
    extension(OID.authorityKeyId, false, authorityKeyId(authority.issuer.keyId)),
    extension(OID.subjectAltName, false, sequence(alternative)),
  ]
  if (crlUrl !== undefined) {
    const point = tagged(0, tagged(0, taggedBytes(6, Buffer.from(crlUrl, 'latin1'))))
    list.push(extension(OID.crlDistributionPoints, false, sequence(sequence(point))))
  }
  return list
}

/** The name as a certificate carries it: lower case, IDN in its ASCII form, no trailing dot, no brackets. */
function certifiableName(name: string): string {
  const bare = name.replace(/^\[|\]$|\.$/g, '')
  if (isIP(bare) !== 0) return bare
  const ascii = HOST_NAME.test(bare) ? bare.toLowerCase() : domainToASCII(bare)
  if (ascii.length > 253 || isIP(ascii) !== 0 || !HOST_NAME.test(ascii)) {
    throw new SallyportError('leaf_mint_failed', 'not a host name that a certificate can carry')
  }
  return ascii
}

/** Clients read the alternative name. This one is for people, has an upper bound of 64, and must not look like another kind of name. */
function commonName(host: string): string | undefined {
  return isIP(host) === 0 && host.length <= 64 ? host : undefined
}

const HOUR = 3_600_000
const DIGITAL_SIGNATURE = 0x80
const HOST_NAME = /^[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*$/i
const ROTATE = '`sallyport ca rotate` makes a new one, to be installed like the first.'
