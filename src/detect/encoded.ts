import { isUtf8 } from 'node:buffer'
import { gunzipSync, inflateSync } from 'node:zlib'
import type { NormalForm } from './rewrite.ts'
import { codedRuns, inHex, isIn, placeIn, runBefore } from './coded-runs.ts'
import type { CodedRun } from './coded-runs.ts'
import type { LowBytes } from './low-bytes.ts'

/**
 * The stretches of a text that spell another one, decoded: base64 and base32 (RFC 4648, 4 to 6), also over several lines, in UTF-16 and
 * compressed (gzip, zlib), and hexadecimal digits. What decodes to something that nobody could read (keys, hashes, images, names) is
 * none; behind what can be read, what cannot is left off. Nothing is given from time to time, for others to have their turn.
 */
export function* decodings(text: string, low?: LowBytes): Generator<NormalForm | undefined, void> {
  let tried = 0
  for (const run of codedRuns(text, isLikely, low)) {
    const form = run && decoded(run)
    if (run !== undefined && form === undefined) tried += costOf(run)
    if (form !== undefined || run === undefined || tried > mostTried) {
      tried = 0
      yield form
    }
  }
}

/** Where a stretch begins that reaches to the end of the text and could go on to spell another one; the text's length when none does. */
export function encodedFrom(text: string): number {
  let least = text.length
  for (let run = runBefore(text, text.length); run !== undefined; run = runBefore(text, run.before, true)) {
    for (let from = 0; from !== -1; from = nextStart(run.chars, 0, from)) {
      if (!couldSpell(run.chars, from)) continue
      least = run.start + from
      break
    }
    if (text.length - run.start > longestPending) break
  }
  return least
}

/** To unpack takes long however little there is. */
function costOf({ chars }: CodedRun): number {
  return chars.length + (packing.test(chars.slice(0, farthest + 4)) ? unpacking : 0)
}

function decoded(run: CodedRun): NormalForm | undefined {
  const { chars } = run
  if (isSpelled(chars, 0, chars.length, inHex)) return hexadecimal(run)
  for (let from = 0; from !== -1; from = nextStart(chars, 0, from)) {
    const form = couldBeBase64(chars, from) ? base64(run, from) : undefined
    if (form !== undefined) return form
  }
  return base32Letters.test(chars) ? base32(run) : undefined
}

/** Whether the first characters of a run, in one of the codings, are text. */
function isLikely(text: string, start: number, end: number): boolean {
  for (let from = start; from !== -1 && from < end; from = nextStart(text, start, from)) {
    if (couldBeBase64(text, from)) return true
  }
  if (isSpelled(text, start, start + 8, inHex)) return isSpelled(text, start, end, inHex)
  base32Word.lastIndex = start
  return base32Word.test(text)
}

/** Behind what may stand before a value: `/`, `_`, `-`. */
function nextStart(text: string, start: number, from: number): number {
  for (let i = from; i < start + farthest && i < text.length - 1; i++) {
    const code = text.charCodeAt(i)
    if (code === 45 || code === 47 || code === 95) return i + 1
  }
  return -1
}

function base64(run: CodedRun, from: number): NormalForm | undefined {
  const bytes = Buffer.from(run.chars.slice(from), 'base64')
  const places = {
    startOf: (byte: number) => placeIn(run, from + Math.floor(byte / 3) * 4),
    endOf: (byte: number) => placeIn(run, from + Math.ceil(byte / 3) * 4, true),
  }
  if (isPacked(run.chars, from)) return unpacked(bytes, run)
  return bytes[1] === 0 && bytes[3] === 0 ? utf16(bytes, places) : readable(bytes, places)
}

function hexadecimal(run: CodedRun): NormalForm | undefined {
  const from = run.chars.length % 2
  return readable(Buffer.from(run.chars.slice(from), 'hex'), {
    startOf: (byte) => placeIn(run, from + 2 * byte),
    endOf: (byte) => placeIn(run, from + 2 * byte, true),
  })
}

function base32(run: CodedRun): NormalForm | undefined {
  return readable(base32Bytes(run.chars), {
    startOf: (byte) => placeIn(run, Math.floor(byte / 5) * 8),
    endOf: (byte) => placeIn(run, Math.ceil(byte / 5) * 8, true),
  })
}

function base32Bytes(chars: string): Buffer {
  const bytes = Buffer.alloc(Math.floor((chars.length * 5) / 8))
  let bits = 0
  let held = 0
  let length = 0
  for (let i = 0; i < chars.length; i++) {
    const code = chars.charCodeAt(i)
    held = ((held & 0xff) << 5) | (code < 56 ? code - 24 : (code & 31) - 1)
    bits += 5
    if (bits < 8) continue
    bits -= 8
    bytes[length++] = held >> bits
  }
  return bytes
}

/** All of the stretch is what stands in it. */
function unpacked(bytes: Buffer, run: CodedRun): NormalForm | undefined {
  try {
    const limit = { maxOutputLength: largestUnpacked }
    const whole = bytes[0] === 0x1f ? gunzipSync(bytes, limit) : inflateSync(bytes, limit)
    return readable(whole, { startOf: () => run.start, endOf: () => run.end })
  } catch {
    return undefined
  }
}

function utf16(bytes: Buffer, places: Omit<NormalForm, 'text'>): NormalForm | undefined {
  const text = bytes.toString('utf16le')
  return {
    text,
    startOf: (index) => places.startOf(2 * index),
    endOf: (index) => places.endOf(2 * index),
  }
}

/** `places` are of bytes; where all are ASCII they are those of characters, too. */
export function readable(bytes: Buffer, places: Omit<NormalForm, 'text'>): NormalForm | undefined {
  const known = bytes.subarray(0, readableLength(bytes))
  if (known.length < shortestText) return undefined
  const text = known.toString('latin1')
  if (!/[\x80-\xff]/.test(text)) return { text, ...places }
  const wide = known.toString('utf8')
  const byteAt = byteOffsets(wide)
  return {
    text: wide,
    startOf: (index) => places.startOf(byteAt(index)),
    endOf: (index) => places.endOf(byteAt(index)),
  }
}

/** Where a character stands in the text's UTF-8; what lies between two of the places that are known is counted. */
function byteOffsets(text: string): (index: number) => number {
  const known: number[] = [0]
  return (index) => {
    const stretch = Math.floor(index / stretchLength)
    for (let i = known.length; i <= stretch; i++) {
      known.push((known[i - 1] as number) + bytesBetween(text, (i - 1) * stretchLength, i * stretchLength))
    }
    return (known[stretch] as number) + bytesBetween(text, stretch * stretchLength, index)
  }
}

/** Two for each half of a pair. */
function bytesBetween(text: string, from: number, to: number): number {
  let bytes = 0
  for (let i = from; i < to && i < text.length; i++) {
    const code = text.charCodeAt(i)
    bytes += code < 0x80 ? 1 : code < 0x800 || (code >= 0xd800 && code < 0xe000) ? 2 : 3
  }
  return bytes
}

/** How many bytes at the beginning are characters that people write. */
function readableLength(bytes: Uint8Array): number {
  let ascii = true
  let length = 0
  while (length < bytes.length) {
    const byte = bytes[length] as number
    if ((byte < 32 && byte !== 9 && byte !== 10 && byte !== 13) || byte === 127) break
    if (byte > 127) ascii = false
    length++
  }
  if (ascii) return length
  const known = bytes.subarray(0, length)
  const whole = known.subarray(0, length - tailOf(known))
  return isUtf8(whole) ? whole.length : known.findIndex((byte) => byte > 127)
}

/** Bytes at the end that begin a character which is not complete. */
function tailOf(bytes: Uint8Array): number {
  for (let back = 1; back <= 3 && back <= bytes.length; back++) {
    const byte = bytes[bytes.length - back] as number
    if (byte >= 0xc0) return back < (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2) ? back : 0
    if (byte < 0x80) return 0
  }
  return 0
}

/** By its first characters only: twelve bytes of text in UTF-8 or UTF-16, or what says that it is compressed. */
function couldBeBase64(text: string, from: number): boolean {
  let wide = true
  let narrow = true
  let rest = 0
  for (let i = from; i < from + 16; i += 4) {
    const d = sextet(text, i + 3)
    if (d < 0) return i - from >= 12
    const bits = (sextet(text, i) << 18) | (sextet(text, i + 1) << 12) | (sextet(text, i + 2) << 6) | d
    for (let at = 0; at < 3; at++) {
      const byte = (bits >> (16 - 8 * at)) & 255
      rest = byte < 128 ? (isText(byte) && rest === 0 ? 0 : -1) : following(byte, rest)
      narrow &&= rest >= 0
      wide &&= (((i - from) / 4) * 3 + at) % 2 === 0 ? isText(byte) : byte === 0
      if (!narrow && !wide) return isPacked(text, from)
    }
  }
  return true
}

/** How many more bytes a character of UTF-8 has behind this one; less than none where it cannot be. */
function following(byte: number, rest: number): number {
  if (byte < 0xc0) return rest - 1
  if (rest > 0 || byte < 0xc2 || byte > 0xf4) return -1
  return byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3
}

function isText(byte: number): boolean {
  return byte > 31 ? byte < 127 : byte === 9 || byte === 10 || byte === 13
}

function sextet(text: string, at: number): number {
  const code = text.charCodeAt(at)
  return code < 128 ? (sextets[code] as number) : -1
}

/** Whether text could begin at `from`, in any of the codings. Fewer than four characters say little. */
function couldSpell(chars: string, from: number): boolean {
  const known = chars.slice(from, from + 24)
  const first = base64Letters.indexOf(known.charAt(0)) * 4
  const could = known.length < 4 ? (first >= 32 && first < 128) || first === 8 || first === 12 : isLikelyPart(known)
  if (could || isPacked(chars, from) || 'H4sI'.startsWith(known)) return true
  if (from === 0 && isSpelled(known, 0, known.length, inHex))
    return isReadable(Buffer.from(known.slice(known.length % 2), 'hex')) || isReadable(Buffer.from(known, 'hex'))
  return from === 0 && base32Letters.test(known) && isReadable(base32Bytes(known))
}

function isLikelyPart(known: string): boolean {
  const bytes = Buffer.from(known.slice(0, known.length & ~3), 'base64')
  return isReadable(bytes) || (bytes[1] === 0 && bytes[0] !== 0)
}

function isReadable(bytes: Buffer): boolean {
  return readableLength(bytes) >= Math.min(bytes.length - tailOf(bytes), shortestText)
}

function isPacked(chars: string, from: number): boolean {
  return chars.startsWith('H4sI', from) || (chars.startsWith('e', from) && packed.test(chars.slice(from, from + 3)))
}

function isSpelled(chars: string, start: number, end: number, kind: number): boolean {
  for (let i = start; i < end; i++) if (!isIn(chars.charCodeAt(i), kind)) return false
  return true
}

const packing = /H4sI|e[JN]/
const packed = /^e(?:J[w-z]|N[o-r])/
const base32Letters = /^(?:[A-Z2-7]+|[a-z2-7]+)$/
const base32Word = /(?:[A-Z2-7]{16}|[a-z2-7]{16})[A-Za-z2-7]{0,512}(?![\w+/-])/y
const urlSafe: { readonly [char: string]: string } = { '-': '+', _: '/' }
const base64Letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
const sextets = Int8Array.from({ length: 128 }, (_, code) =>
  base64Letters.indexOf(urlSafe[String.fromCharCode(code)] ?? String.fromCharCode(code)),
)
const shortestText = 9
const farthest = 32
const largestUnpacked = 65_536
const longestPending = 4_096
// In characters.
const mostTried = 65_536
const unpacking = 4_096
const stretchLength = 256
