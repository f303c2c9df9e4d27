import { createRequire } from 'node:module'
import type { asn1 as Forge } from 'node-forge'

/** A node of an ASN.1 tree (X.690), as node-forge keeps it. */
export type Asn1 = Forge.Asn1

/** The DER bytes of a tree. */
export function encodeDer(node: Asn1): Buffer {
  return Buffer.from(asn1.toDer(node).getBytes(), 'latin1')
}

/** The tree of DER bytes. Throws on anything that is not exactly one value. */
export function decodeDer(bytes: Uint8Array): Asn1 {
  return fromDer(binary(bytes), { strict: true, decodeBitStrings: false })
}

export const sequence = (...children: Asn1[]): Asn1 => asn1.create(UNIVERSAL, 16, true, children)
export const set = (...children: Asn1[]): Asn1 => asn1.create(UNIVERSAL, 17, true, children)
export const oid = (dotted: string): Asn1 => primitive(6, asn1.oidToDer(dotted).getBytes())
export const boolean = (value: boolean): Asn1 => primitive(1, value ? '\xff' : '\0')
export const octets = (value: Uint8Array): Asn1 => primitive(4, binary(value))
export const bits = (value: Uint8Array, unused = 0): Asn1 => primitive(3, String.fromCharCode(unused) + binary(value))
export const utf8 = (value: string): Asn1 => primitive(12, binary(Buffer.from(value)))
/** UTF-16, big endian; only for the basic plane. */
export const bmp = (value: string): Asn1 => primitive(30, value)
export const nothing = (): Asn1 => primitive(5, '')

/** An INTEGER, from a small number or from the big-endian bytes of a number that is not negative. */
export function integer(value: number | Uint8Array): Asn1 {
  if (typeof value === 'number') return primitive(2, asn1.integerToDer(value).getBytes())
  const first = value.findIndex((byte) => byte !== 0)
  const bytes = first === -1 ? '\0' : binary(value.subarray(first))
  return primitive(2, bytes.charCodeAt(0) > 127 ? `\0${bytes}` : bytes)
}

/** A time as certificates write it: UTCTime up to 2049, GeneralizedTime after (RFC 5280, 4.1.2.5), in whole seconds. */
export function time(at: number): Asn1 {
  const digits = new Date(at).toISOString().slice(0, 19).replace(/[-:T]/g, '')
  return digits < '2050' ? primitive(23, `${digits.slice(2)}Z`) : primitive(24, `${digits}Z`)
}

/** A context-specific tag round other nodes: EXPLICIT, or IMPLICIT for a constructed type. */
export const tagged = (tag: number, ...children: Asn1[]): Asn1 => asn1.create(CONTEXT, tag, true, children)
/** A context-specific tag in place of a primitive type's own. */
export const taggedBytes = (tag: number, value: Uint8Array): Asn1 => asn1.create(CONTEXT, tag, false, binary(value))

/** The children of a constructed node; none for a primitive one. */
export function childrenOf(node: Asn1 | undefined): readonly Asn1[] {
  return node !== undefined && Array.isArray(node.value) ? node.value : []
}

/** The content of a primitive node. */
export function bytesOf(node: Asn1 | undefined): Buffer {
  if (node === undefined || typeof node.value !== 'string') return Buffer.alloc(0)
  return Buffer.from(node.value, 'latin1')
}

/** The dotted form of an OBJECT IDENTIFIER node, undefined for any other. */
export function oidOf(node: Asn1 | undefined): string | undefined {
  if (node === undefined || node.type !== 6 || typeof node.value !== 'string') return undefined
  return asn1.derToOid(node.value)
}

function primitive(type: number, value: string): Asn1 {
  return asn1.create(UNIVERSAL, type, false, value)
}

function binary(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}

// Only this file of forge: all of it costs five times the start-up time and twice the memory.
const asn1 = createRequire(import.meta.url)('node-forge/lib/asn1.js') as typeof Forge
// What is inside a BIT STRING stays bytes: guessing at it costs time, and its content must come out as it went in.
const fromDer = asn1.fromDer as (bytes: string, options?: unknown) => Asn1
const UNIVERSAL = 0
const CONTEXT = 128
