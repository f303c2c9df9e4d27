import { inHex, inRun, isIn } from './coded-runs.ts'
import { readable } from './encoded.ts'
import { lowBytesOf } from './low-bytes.ts'
import type { LowBytes } from './low-bytes.ts'
import { isWord } from './places.ts'
import { rewritten } from './rewrite.ts'
import type { Change, NormalForm } from './rewrite.ts'

/**
 * Characters set apart one by one (`s k - 4 7`), each time by the same separator, as one word again, with what stands round them: to
 * `apart`. Hexadecimal digits in pairs so (`41 4b`, `41:4b`), decoded: to `decoded`. Nothing is given from time to time, for others to
 * have their turn.
 */
export function* spacedOut(
  text: string,
  low: LowBytes = lowBytesOf(text),
): Generator<{ readonly apart?: NormalForm; readonly decoded?: NormalForm } | undefined, void> {
  let rest = block
  for (let from = 0; from < text.length - leastAhead;) {
    if (from > rest) {
      rest = from + block
      yield undefined
    }
    low.cover(from)
    const at = periodic(text, from, low)
    if (at < 0) {
      from = ~at
      continue
    }
    const period = text.charCodeAt(at) === text.charCodeAt(at + 2) ? 2 : 3
    const run = runRound(text, at, period)
    from = Math.max(run.end, at + 1)
    if (run.end - run.start < period * fewest - 1) continue
    if (period === 2) yield { apart: together(text, run) }
    else {
      const decoded = pairsIn(text, run)
      if (decoded !== undefined) yield { decoded }
    }
  }
}

/** Lists of bytes as hexadecimal numbers (`0x41, 0x4b`), decoded. Nothing is given from time to time, for others to have their turn. */
export function* hexLists(text: string): Generator<NormalForm | undefined, void> {
  let rest = block
  for (let at = text.indexOf('0x'); at !== -1;) {
    if (at > rest) {
      rest = at + block
      yield undefined
    }
    const places = listAt(text, at)
    const form = bytesAt(text, places, 4)
    if (form !== undefined) yield form
    at = text.indexOf('0x', (places.at(-1) ?? at) + 2)
  }
}

/** The ends of a text that may go on with characters set apart. A separator at the end may be one of the characters. */
export function spacedTails(text: string): NormalForm[] {
  const forms: NormalForm[] = []
  for (const end of [text.length, text.length - 1]) {
    const separator = text.charCodeAt(end < text.length ? end : end - 2)
    let start = end - 1
    if (start < 0 || !isValue(text.charCodeAt(start)) || !isSeparator(separator)) continue
    start = back(text, start, 2, separator, isValue)
    if (isValue(text.charCodeAt(start - 1))) start += 2
    if (start < end - 1 || (start < end && end < text.length))
      forms.push(together(text, { start, end: text.length, separator }))
  }
  return forms
}

/** Where pairs of hexadecimal digits, or numbers of a list of bytes, begin that reach to the end of the text. */
export function hexFrom(text: string): number {
  return Math.min(pairsFrom(text), listFrom(text))
}

type Run = { readonly start: number; readonly end: number; readonly separator: number }

function together(text: string, { start, end, separator }: Run): NormalForm {
  const changes: Change[] = []
  for (let i = start + 1; i < end; i += 2) {
    if (text.charCodeAt(i) === separator) changes.push({ start: i, end: i + 1, text: '' })
  }
  return rewritten(text, Math.max(0, start - around), Math.min(text.length, end + 2), changes)
}

/**
 * A place in the block where the same separator stands three times, two or three apart, or as its complement that of the next sample
 * behind the block: samples will do, since what is of use goes on for long.
 */
function periodic(text: string, at: number, { bytes, from, to }: LowBytes): number {
  const most = Math.min(to, text.length + 6 - leastAhead) - from - 6
  let i = at - from
  for (; i < most; i += stride) {
    const a = separators[bytes[i] as number] as number
    const b = separators[bytes[i + 1] as number] as number
    const c = separators[bytes[i + 2] as number] as number
    const d = separators[bytes[i + 3] as number] as number
    const e = separators[bytes[i + 4] as number] as number
    const f = separators[bytes[i + 5] as number] as number
    // Each kind of separator is a bit.
    if (((a & ~b & (c | (d & ~c))) | (b & ~c & (d | (e & ~d))) | (c & ~d & ~e & f)) === 0) continue
    const found = periodAt(text, from + i)
    if (found !== -1) return found
  }
  return ~(from + i)
}

function periodAt(text: string, at: number): number {
  if (isPeriod(text, at, 2)) return at
  if (isPeriod(text, at + 1, 2)) return at + 1
  if (isPeriod(text, at, 3)) return at
  if (isPeriod(text, at + 1, 3)) return at + 1
  return isPeriod(text, at + 2, 3) ? at + 2 : -1
}

function isPeriod(text: string, at: number, period: number): boolean {
  const code = text.charCodeAt(at)
  if (text.charCodeAt(at + period) !== code || text.charCodeAt(at + 2 * period) !== code) return false
  if (!isSeparator(code) || text.charCodeAt(at + 1) === code) return false
  if (period === 3) return isPair(text, at + 1) && isPair(text, at + 4)
  const first = text.charCodeAt(at + 1)
  const second = text.charCodeAt(at + 3)
  return isValue(first) && isValue(second) && (isWord(first) || isWord(second))
}

function runRound(text: string, at: number, period: number): Run {
  const separator = text.charCodeAt(at)
  const fits = period === 3 ? (code: number): boolean => isIn(code, inHex) : isValue
  const start = back(text, at + 1, period, separator, fits)
  let end = at + period
  const most = at + longest
  while (end < most && text.charCodeAt(end) === separator && fitsAll(text, end + 1, period, fits)) end += period
  // What is longer than the others at an end is a word of its own.
  const first = fits(text.charCodeAt(start - 1)) ? start + period : start
  const last = fits(text.charCodeAt(end)) ? end - period : end
  return { start: first, end: Math.max(last, at + 1), separator }
}

/** The first of the characters (or pairs) before and at `from` that are apart by the separator. */
function back(text: string, from: number, period: number, separator: number, fits: (code: number) => boolean): number {
  let start = from
  const least = Math.max(period, from - longest)
  while (start >= least && text.charCodeAt(start - 1) === separator && fitsAll(text, start - period, period, fits))
    start -= period
  return start
}

function fitsAll(text: string, at: number, period: number, fits: (code: number) => boolean): boolean {
  return fits(text.charCodeAt(at)) && (period === 2 || fits(text.charCodeAt(at + 1)))
}

/** Looks at the first pairs before it takes all. */
function pairsIn(text: string, run: Run): NormalForm | undefined {
  for (let i = run.start; i < run.start + 3 * fewest; i += 3) {
    const byte = Number.parseInt(text.slice(i, i + 2), 16)
    if (byte > 126 || (byte < 32 && byte !== 9 && byte !== 10 && byte !== 13)) return undefined
  }
  const places: number[] = []
  for (let i = run.start; i < run.end; i += 3) places.push(i)
  return bytesAt(text, places, 2)
}

function bytesAt(text: string, places: readonly number[], width: number): NormalForm | undefined {
  if (places.length < fewest) return undefined
  const bytes = Buffer.from(places.map((at) => Number.parseInt(text.slice(at + width - 2, at + width), 16)))
  return readable(bytes, {
    startOf: (byte) => places[byte] ?? (places.at(-1) as number) + width,
    endOf: (byte) => (byte === 0 ? (places[0] as number) : (places[byte - 1] as number) + width),
  })
}

/** Where the numbers of a list of bytes stand that begins at `at`. */
function listAt(text: string, at: number): number[] {
  const places: number[] = []
  item.lastIndex = at
  while (places.length < longest) {
    const from = item.lastIndex
    if (!item.test(text)) break
    places.push(from)
  }
  return places
}

function pairsFrom(text: string): number {
  let end = text.length
  let start = end
  if (isIn(text.charCodeAt(end - 1), inHex) && !isIn(text.charCodeAt(end - 2), inHex)) start = end - 1
  else if (isPair(text, end - 2)) start = end - 2
  else if (isSeparator(text.charCodeAt(end - 1)) && isPair(text, end - 3)) start = end - 3
  if (start === end) return text.length
  const separator = text.charCodeAt(start === end - 3 ? end - 1 : start - 1)
  const first = back(text, start, 3, separator, (code) => isIn(code, inHex))
  if (isIn(text.charCodeAt(first - 1), inHex)) return text.length
  end = Math.min(first + 3 * 8, text.length)
  for (let at = first; at < end; at += 3) {
    const digits = text.slice(at, at + 2)
    const byte = Number.parseInt(digits.length === 2 ? digits : `${digits}0`, 16)
    if (byte > 126 || (byte < 32 && byte !== 9 && byte !== 10 && byte !== 13)) return text.length
  }
  return first
}

function listFrom(text: string): number {
  let start = text.length
  const least = Math.max(0, start - longest)
  while (start > least && listed.test(text.charAt(start - 1))) start--
  for (let at = text.indexOf('0', start); at !== -1; at = text.indexOf('0', at + 1)) {
    const places = listAt(text, at)
    const behind = places.length === 0 ? at : item.lastIndex === 0 ? (places.at(-1) as number) + 4 : item.lastIndex
    if (listEnd.test(text.slice(behind))) return at
    if (places.length > 0) at = places.at(-1) as number
  }
  return text.length
}

function isPair(text: string, at: number): boolean {
  return isIn(text.charCodeAt(at), inHex) && isIn(text.charCodeAt(at + 1), inHex)
}

function isSeparator(code: number): boolean {
  return code < 128 && separators[code] !== 0
}

function isValue(code: number): boolean {
  return (code < 128 && isIn(code, inRun)) || code === 46 || code === 58 || code === 61 || code === 64
}

// What is set apart as often as that is met by one of the samples.
const fewest = 14
const stride = 21
const leastAhead = 9
const separators = Uint8Array.from(
  { length: 256 },
  (_, code) => (1 << (' -.:,_|'.indexOf(String.fromCharCode(code)) + 1)) & ~1,
)
const around = 96
const longest = 4_096
const block = 131_072
const item = /0x[0-9A-Fa-f]{2}(?![0-9A-Fa-f])[,;\s]{0,4}/y
const listed = /[0-9A-Fa-fx,;\s]/
const listEnd = /^[,;\s]{0,4}(?:0(?:x[0-9A-Fa-f]{0,2})?)?$/
