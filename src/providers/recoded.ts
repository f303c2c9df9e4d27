import { isUtf8 } from 'node:buffer'

/**
 * The whole number that a JSON number of seven digits or more says, as its digits: `4.1E15` and `41.0` are how some languages write
 * integers. Undefined for a fraction, and for what is shorter or beyond reason.
 */
export function wholeNumber(raw: string): string | undefined {
  const found = number.exec(raw)
  if (found === null) return undefined
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = found
  const digits = fraction.replace(/0+$/, '')
  const zeros = Number(exponent) - digits.length
  if (zeros < 0) return undefined
  const text = whole + digits + '0'.repeat(zeros)
  return text.length < shortest ? undefined : sign + text
}

/** The text that base64 (RFC 4648, 4 and 5) holds, line breaks allowed; undefined when it is none, or no text in UTF-8. */
export function base64Text(raw: string): string | undefined {
  if (!isTextStart(Buffer.from(raw.slice(0, sample), 'base64'))) return undefined
  const bytes = Buffer.from(raw, 'base64')
  return isUtf8(bytes) && isText(bytes) ? bytes.toString('utf8') : undefined
}

/** Spelled in the alphabet, and with or without the padding, of what stood there. */
export function asBase64(text: string, before: string): string {
  const bytes = Buffer.from(text.toWellFormed())
  const padded = before.includes('=') || before.length % 4 === 0
  if (/[-_]/.test(before)) return padded ? urlPadded(bytes) : bytes.toString('base64url')
  const spelled = bytes.toString('base64')
  return padded ? spelled : spelled.replace(/=+$/, '')
}

/** Quoted-printable (RFC 2045, 6.7) of UTF-8. */
export function quotedText(raw: string): string {
  const bytes = raw.replace(/=\r?\n/g, '').replace(/=([0-9A-Fa-f]{2})/g, (_, hex: string) => latin1(hex))
  // Raw characters beyond ASCII in the same text: it is not what it says, and read as it stands.
  return /[^\u0000-\u00ff]/.test(bytes) ? raw : utf8Text(bytes)
}

export function asQuoted(text: string): string {
  const bytes = Buffer.from(text.toWellFormed()).toString('latin1')
  return bytes.replace(/[^\t\r\n -<>-~]/g, (char) => `=${hexOf(char)}`)
}

/** UTF-8 whose bytes stand as latin1 characters; what is no UTF-8 stands for itself. */
export function utf8Text(raw: string): string {
  const bytes = Buffer.from(raw, 'latin1')
  return isUtf8(bytes) ? bytes.toString('utf8') : raw
}

export function asUtf8(text: string): string {
  return Buffer.from(text.toWellFormed()).toString('latin1')
}

function urlPadded(bytes: Buffer): string {
  const text = bytes.toString('base64url')
  return text + '='.repeat((4 - (text.length % 4)) % 4)
}

/** Whether no byte here is one that texts do not have. A character may be cut at the end. */
function isTextStart(bytes: Uint8Array): boolean {
  if (bytes.length < fewest || startsAs(bytes, '%PDF-')) return false
  const cut = bytes.length < 8 ? bytes.length : bytes.length - 4
  for (let length = bytes.length; length >= cut; length--) {
    const head = bytes.subarray(0, length)
    if (isUtf8(head)) return isText(head)
  }
  return false
}

/** NUL and most control characters are in no text. */
function isText(bytes: Uint8Array): boolean {
  for (const byte of bytes) if (byte < 32 && (byte < 8 || (byte > 13 && byte !== 27 && byte !== 30))) return false
  return true
}

function startsAs(bytes: Uint8Array, mark: string): boolean {
  return Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, mark.length)).toString('latin1') === mark
}

function latin1(hex: string): string {
  return String.fromCharCode(Number.parseInt(hex, 16))
}

function hexOf(char: string): string {
  return char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')
}

const number = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]\+?(\d{1,2}))?$/
const shortest = 7
const sample = 256
// Bytes that could say anything of anybody.
const fewest = 6
