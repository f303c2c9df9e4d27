import { isWord } from './places.ts'
import { rewritten } from './rewrite.ts'
import type { Change, NormalForm } from './rewrite.ts'

/** A form that brings together what a value was broken into; of those with the same `prefix` the first that gives something counts. */
export type Joined = NormalForm & { readonly prefix: number }

/**
 * Values that begin with a prefix that is known (its places are `prefixes`, in order) and go on over line breaks, with indentation or
 * quotation marks of mails, over strings that are put together (`"…" + "…"`), or over spaces between groups of the same length.
 * `taken` says where what begins at a place ends as it stands. Nothing is given from time to time, for others to have their turn.
 */
export function* joined(
  text: string,
  prefixes: readonly number[],
  taken: (start: number) => number,
): Generator<Joined | undefined, void> {
  let last = -1
  let looked = 0
  for (const start of prefixes) {
    if (start === last || !isPrefixed(text, start)) continue
    if (++looked % mostAtOnce === 0) yield undefined
    if (insideValue(text, start)) continue
    last = start
    const gaps = gapsBehind(text, start, taken)
    for (let count = gaps.length; count > 0; count--) {
      const end = tokenEnd(text, (gaps[count - 1] as Change).end)
      const form = rewritten(text, Math.max(0, start - around), Math.min(text.length, end + 2), gaps.slice(0, count))
      yield { ...form, prefix: start }
    }
  }
}

/** The ends of a text that may be a value broken into parts, without the gaps. */
export function joinedTails(text: string): NormalForm[] {
  const forms: NormalForm[] = []
  const gaps: Change[] = []
  let start = lastTokenStart(text)
  while (gaps.length < mostGaps && text.length - start < longest) {
    const end = gapBefore(text, start)
    const from = tokenStart(text, end)
    if (from === end || end === start) break
    gaps.unshift({ start: end, end: start, text: '' })
    const token = text.slice(from, end)
    start = from
    if (isPrefixed(token, 0)) forms.push(rewritten(text, from, text.length, gaps))
    if (!isRandom(token)) break
  }
  return forms
}

/** Whether one of its first four characters stands in no word of a language. */
function isPrefixed(text: string, start: number): boolean {
  const end = Math.min(text.length, start + 4)
  for (let i = start; i < end; i++) {
    const code = text.charCodeAt(i)
    if ((code > 44 && code < 91 && isPart(code) && code !== 47 && code !== 61) || code === 58 || code === 95)
      return true
  }
  return false
}

/** Within a word, or in the midst of a block of lines of the same length. */
function insideValue(text: string, start: number): boolean {
  const before = text.charCodeAt(start - 1)
  if (start === 0) return false
  if (before === 10) {
    const line = text.indexOf('\n', start)
    const length = (line === -1 ? text.length : line) - start
    const previous = start - 1 - length
    return length >= 32 && (previous === 0 || text.charCodeAt(previous - 1) === 10)
  }
  return isPart(before) && before !== 61 && before !== 46
}

function gapsBehind(text: string, start: number, taken: (start: number) => number): Change[] {
  const gaps: Change[] = []
  let end = tokenEnd(text, start)
  if (!couldBreak(text.charCodeAt(end))) return gaps
  const whole = taken(start) >= end
  let width = 0
  let lines = 0
  while (gaps.length < mostGaps && end - start < longest) {
    gap.lastIndex = end
    const found = gap.exec(text)
    if (found === null || found[0] === '') break
    const [all, strings, spaces] = found
    const from = end + all.length
    const to = tokenEnd(text, from)
    const token = text.slice(from, to)
    if (spaces !== undefined) {
      if (whole || !isRandom(token) || to - from > (width || widest) || (width === 0 && to - from < narrowest)) break
      width = to - from
    } else if (++lines > mostLines || (strings === undefined && !goesOn(text, token, to, whole, taken(from)))) break
    if (token === '') break
    gaps.push({ start: end, end: from, text: '' })
    end = to
  }
  return gaps
}

/** White space, quotation marks, backslashes: what a gap begins with. */
function couldBreak(code: number): boolean {
  return code === 32 || (code > 8 && code < 14) || code === 34 || code === 39 || code === 92 || code === 96
}

/** Whether a line begins with more of a value. One that is complete as it stands must look as if it had been cut. */
function goesOn(text: string, token: string, end: number, whole: boolean, takenTo: number): boolean {
  if (takenTo > 0 || !isRandom(token) || /=[^=]/.test(token) || names.test(text.slice(end, end + 3))) return false
  return !whole || (token.length >= 6 && /[0-9]/.test(token) && /[A-Za-z]/.test(token))
}

/** No word of a language: digits, or capitals elsewhere than at the beginning alone. */
function isRandom(token: string): boolean {
  return /[0-9]|[A-Z].*[A-Z]|[a-z][A-Z]/.test(token)
}

function tokenEnd(text: string, from: number): number {
  let end = from
  const most = Math.min(text.length, from + longest)
  while (end < most && isPart(text.charCodeAt(end))) end++
  return end
}

function tokenStart(text: string, to: number): number {
  let start = to
  const least = Math.max(0, to - longest)
  while (start > least && isPart(text.charCodeAt(start - 1))) start--
  // The letter of an escape.
  return text[start - 1] === '\\' && (text[start] === 'n' || text[start] === 'r') ? start + 1 : start
}

/** An operator between strings is no token. */
function lastTokenStart(text: string): number {
  const start = tokenStart(text, text.length)
  return /^[+.&|]{1,2}$/.test(text.slice(start)) ? text.length : start
}

function gapBefore(text: string, end: number): number {
  // One space between two words is the gap there nearly always is.
  if (text.charCodeAt(end - 1) === 32 && isWord(text.charCodeAt(end - 2))) return end - 1
  const from = Math.max(0, end - 72)
  const found = gapAtEnd.exec(text.slice(from, end))
  return found === null ? end : from + found.index
}

function isPart(code: number): boolean {
  return (
    (code > 47 && code < 58) ||
    (code > 64 && code < 91) ||
    (code > 96 && code < 123) ||
    code === 95 ||
    code === 45 ||
    code === 46 ||
    code === 47 ||
    code === 43 ||
    code === 61
  )
}

const around = 96
const longest = 512
const mostGaps = 16
const mostAtOnce = 64
const mostLines = 6
const narrowest = 3
const widest = 10
const names = /^\s?[:(=]/
const strings = '\\\\{0,3}["\'`][ \\t\\r\\n]{0,32}(?:[+&.]{1,2}|\\|\\||\\\\\\r?\\n)?[ \\t\\r\\n]{0,32}\\\\{0,3}["\'`]'
const line = '[ \\t]{0,4}\\\\?(?:\\r?\\n|(?:\\\\{1,3}r)?\\\\{1,3}n)[ \\t>|#*]{0,48}'
const gap = new RegExp(`${line}|(${strings})|([ \\t]{1,3})`, 'y')
const gapAtEnd = new RegExp(
  `(?:${line}|${strings}|\\\\{0,3}["'\`](?:[ \\t\\r\\n]{0,32}(?:[+&.|]{1,2}|\\\\\\r?\\n?)?[ \\t\\r\\n]{0,32}\\\\{0,3})?|[ \\t]{1,3}|[ \\t]{0,4}\\\\\\r?|\\r)$`,
)
