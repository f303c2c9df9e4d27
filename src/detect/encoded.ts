import { isUtf8 } from 'node:buffer'
import type { NormalForm } from './normal-form.ts'

/**
 * The stretches of a text that spell another one, decoded: base64 (RFC 4648, 4 and 5), hexadecimal digits, percent-encoding (RFC 3986,
 * 2.1). What decodes to something that nobody could read (keys, hashes, images, names) is none. At most `budget` characters are decoded.
 */
export function decodings(text: string, budget: number): NormalForm[] {
  const found: NormalForm[] = []
  let left = budget
  for (let run = nextRun(text, 0); run !== undefined && left > 0; run = nextRun(text, run.end)) {
    const form = hexadecimal(text, run) ?? base64(text, run, left)
    if (form === undefined) continue
    left -= run.end - run.start
    found.push(form)
  }
  for (let at = text.indexOf('%'); at !== -1 && left > 0;) {
    const run = percentRun(text, at)
    const form = percents(text, run)
    left -= form === undefined ? 0 : run.end - run.start
    if (form !== undefined) found.push(form)
    at = text.indexOf('%', run.end)
  }
  return found
}

/** Where a stretch begins that reaches to the end of the text and could go on to spell another one; the text's length when none does. */
export function encodedFrom(text: string): number {
  const least = Math.max(0, text.length - longestPending)
  let start = text.length
  while (start > least && isIn(text.charCodeAt(start - 1), inRun)) start--
  const { length } = text
  if (length - start >= shortestHint && start > least) {
    const hint = Buffer.from(text.slice(start, start + Math.floor((length - start) / 4) * 4), 'base64')
    const hex = isHex(text, start, length) && isReadable(Buffer.from(text.slice(start, length & ~1), 'hex'))
    if (isReadable(hint) || hex) return start
  }
  const run = length > 0 ? percentRun(text, length - 1) : undefined
  return run !== undefined && text.indexOf('%', run.start) !== -1 ? run.start : length
}

type Run = { readonly start: number; readonly end: number }

/** The next stretch of at least `shortest` characters of base64. Looks at few characters where there is none. */
function nextRun(text: string, from: number): Run | undefined {
  let start = from
  while (start + shortest <= text.length) {
    const last = start + shortest - 1
    let at = last
    while (at >= start && isIn(text.charCodeAt(at), inRun)) at--
    if (at >= start) {
      start = at + 1
      continue
    }
    let end = last + 1
    while (end < text.length && isIn(text.charCodeAt(end), inRun)) end++
    return { start, end }
  }
  return undefined
}

function base64(text: string, { start, end }: Run, budget: number): NormalForm | undefined {
  if (!isReadable(Buffer.from(text.slice(start, start + shortest), 'base64'))) return undefined
  const bytes = Buffer.from(text.slice(start, Math.min(end, start + budget)), 'base64')
  return readable(bytes, {
    startOf: (byte) => start + Math.floor(byte / 3) * 4,
    endOf: (byte) => Math.min(end, start + Math.ceil(byte / 3) * 4),
  })
}

function hexadecimal(text: string, { start, end }: Run): NormalForm | undefined {
  if ((end - start) % 2 === 1 || !isHex(text, start, end)) return undefined
  const bytes = Buffer.from(text.slice(start, end), 'hex')
  return readable(bytes, { startOf: (byte) => start + 2 * byte, endOf: (byte) => start + 2 * byte })
}

/** `places` are of bytes; where all are ASCII they are those of characters, too. */
function readable(bytes: Buffer, places: Omit<NormalForm, 'text'>): NormalForm | undefined {
  const known = bytes.subarray(0, bytes.length - tailOf(bytes))
  if (!isReadable(known)) return undefined
  const text = known.toString('latin1')
  if (!/[\x80-\xff]/.test(text)) return { text, ...places }
  const wide = known.toString('utf8')
  const byteAt = (index: number): number => Buffer.byteLength(wide.slice(0, index))
  return {
    text: wide,
    startOf: (index) => places.startOf(byteAt(index)),
    endOf: (index) => places.endOf(byteAt(index)),
  }
}

/** White space, quotes and brackets end it. */
function percentRun(text: string, at: number): Run {
  let start = at
  while (start > 0 && at - start < longestUrl && isIn(text.charCodeAt(start - 1), inUrl)) start--
  let end = at
  while (end < text.length && end - at < longestUrl && isIn(text.charCodeAt(end), inUrl)) end++
  return { start, end: Math.max(end, at + 1) }
}

function percents(text: string, { start, end }: Run): NormalForm | undefined {
  const places: number[] = []
  let decoded = ''
  let changed = false
  for (let i = start; i < end;) {
    const byte =
      text[i] === '%' && isHex(text, i + 1, i + 3) && i + 3 <= end ? Number.parseInt(text.slice(i + 1, i + 3), 16) : 0
    // Beyond ASCII a character is several of them, and no rule's business.
    const plain = byte > 0 && byte < 128
    decoded += plain ? String.fromCharCode(byte) : text[i]
    places.push(i)
    changed ||= plain
    i += plain ? 3 : 1
  }
  if (!changed) return undefined
  places.push(end)
  return { text: decoded, startOf: (index) => places[index] ?? end, endOf: (index) => places[index] ?? end }
}

/** Characters that people write, and nothing else. */
function isReadable(bytes: Uint8Array): boolean {
  let ascii = true
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i] as number
    if ((byte < 32 && byte !== 9 && byte !== 10 && byte !== 13) || byte === 127) return false
    if (byte > 127) ascii = false
  }
  return bytes.length > 0 && (ascii || isUtf8(bytes.subarray(0, bytes.length - tailOf(bytes))))
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

function isHex(text: string, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (!isIn(text.charCodeAt(i), inHex)) return false
  return true
}

function isIn(code: number, kind: number): boolean {
  return code < 128 && ((kinds[code] as number) & kind) !== 0
}

const inRun = 1
const inUrl = 2
const inHex = 4
const kinds = Uint8Array.from({ length: 128 }, (_, code) => {
  const char = String.fromCharCode(code)
  const url = code > 32 && code < 127 && !'"\'<>`\\{}|^'.includes(char)
  return (/[A-Za-z0-9+/_=-]/.test(char) ? inRun : 0) | (url ? inUrl : 0) | (/[0-9A-Fa-f]/.test(char) ? inHex : 0)
})
// 18 bytes: a key could stand in fewer, but names and hashes then look like texts too often.
const shortest = 24
// Three bytes that could be read: of ordinary words one in twenty.
const shortestHint = 4
const longestUrl = 8_192
const longestPending = 4_096
