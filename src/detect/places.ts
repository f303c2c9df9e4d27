/** Where a match may begin, found by looking at single characters. */

/** ASCII letters and digits. */
export function isWord(code: number): boolean {
  return code < 128 && ((kinds[code] as number) & word) !== 0
}

/** Whether a letter or digit stands before `at` that is not the end of an escape: `\n` in text that is itself JSON or code, a terminal's colour. */
export function insideWord(text: string, at: number): boolean {
  const before = text.charCodeAt(at - 1)
  if (at === 0 || !isWord(before)) return false
  if (before === 109) return !/\x1b\[[\d;]{0,8}m$/.test(text.slice(Math.max(0, at - 11), at))
  return text.charCodeAt(at - 2) !== 92 || (before !== 110 && before !== 114 && before !== 116)
}

/** Whether the place is between the two halves of a character beyond U+FFFF. */
export function isInsidePair(text: string, at: number): boolean {
  return (text.charCodeAt(at) & 0xfc00) === 0xdc00 && (text.charCodeAt(at - 1) & 0xfc00) === 0xd800
}

/** The beginning of the local part before the @ at `at`; `at` itself when there is none or no domain can follow. */
export function emailStart(text: string, at: number): number {
  if (!domain(text.charCodeAt(at + 1))) return at
  return localStart(text, at)
}

/** The beginning of the run of characters of a local part that ends before `end`. */
export function localStart(text: string, end: number): number {
  const least = Math.max(0, end - 64)
  let start = end
  while (start > least && isLocal(text.charCodeAt(start - 1))) start--
  return start
}

/** The beginning of the run of characters of a domain that ends before `end`. */
export function domainStart(text: string, end: number): number {
  const least = Math.max(0, end - 255)
  let start = end
  while (start > least && domain(text.charCodeAt(start - 1))) start--
  return start
}

/** The beginning of the URL scheme before the colon at `colon`. */
export function schemeStart(text: string, colon: number): number {
  const least = Math.max(0, colon - 24)
  let start = colon
  while (start > least && (isWord(text.charCodeAt(start - 1)) || '+-.'.includes(text.charAt(start - 1)))) start--
  return start
}

export type NumberPlace = {
  /** The beginning of the letters and digits round the first digit; -1 when more than 12 letters stand before it. */
  readonly start: number
  /** Behind these letters and digits. */
  readonly end: number
  /** The beginning of two or three capitals, apart from the number by a space or hyphen (`AB 12 34 56 C`); else `start`. */
  readonly letters: number
  /** `start`, or the plus sign or bracket before it. */
  readonly phone: number
}

export function numberAt(text: string, first: number): NumberPlace {
  const least = Math.max(0, first - 13)
  let start = first
  while (start > least && isWord(text.charCodeAt(start - 1))) start--
  const tooMany = first - start > 12
  return {
    start: tooMany ? -1 : start,
    end: wordEnd(text, first),
    letters: lettersBefore(text, start),
    phone: phoneStart(text, start),
  }
}

/** Behind the letters and digits that begin with the one at `first`. */
export function wordEnd(text: string, first: number): number {
  let end = first + 1
  while (end < text.length && isWord(text.charCodeAt(end))) end++
  return end
}

/** Digits in the number that begins at `first` and what hangs on it by separators, at most 40 characters on; no more than four are counted. */
export function digitsFrom(text: string, first: number): number {
  let digits = 0
  let separated = 0
  const last = Math.min(text.length, first + 40)
  for (let i = first; i < last && separated < 3 && digits < 4; i++) {
    const kind = kinds[text.charCodeAt(i)] ?? 0
    if (kind & digit) digits++
    else if (!(kind & (word | separator))) break
    separated = kind & word ? 0 : separated + 1
  }
  return digits
}

/** The run of hexadecimal groups and colons round the colon at `at`, when it can be an address. */
export function colonRunAt(text: string, at: number): { start: number; end: number } | undefined {
  const next = text.charCodeAt(at + 1)
  if (next !== 58 && !isHex(next)) return undefined
  const least = Math.max(0, at - 5)
  let start = at
  while (start > least && isHex(text.charCodeAt(start - 1))) start--
  if (start > 0 && isWord(text.charCodeAt(start - 1))) return undefined
  if (start === at && next !== 58) return undefined
  let end = at + 1
  while (end < text.length && (isHex(text.charCodeAt(end)) || text.charCodeAt(end) === 58)) end++
  return { start, end }
}

/** The rest of a name, closing quotes and brackets, then something that gives it a value. */
export function hasAssignment(text: string, from: number): boolean {
  let i = from
  const least = Math.min(text.length, from + 34)
  while (i < least && (isWord(text.charCodeAt(i)) || '_-.'.includes(text.charAt(i)))) i++
  const last = Math.min(text.length, i + 10)
  while (i < last && '"\'`\\)]} \t[0123456789'.includes(text.charAt(i))) i++
  return (
    i < text.length &&
    ('=:,(>?!|<-.'.includes(text.charAt(i)) || text.startsWith('is ', i) || text.startsWith('tring', i + 1))
  )
}

/**
 * The earliest place in the last 80 characters from which numbers may run to the end: words of more than three letters and
 * characters that stand in no number cut it off, but for the last word, which may be a beginning.
 */
export function numbersFrom(text: string): number {
  const least = Math.max(0, text.length - 80)
  let letters = 0
  // A group of hexadecimal digits is no word.
  let others = 0
  let digits = 0
  let last = true
  for (let i = text.length - 1; i >= least; i--) {
    const kind = kinds[text.charCodeAt(i)] ?? 0
    if (kind & digit) digits++
    else if (kind & word) {
      letters++
      if (!isHex(text.charCodeAt(i))) others++
    } else if (kind & separator || text.charCodeAt(i) > 127 || text[i] === '+') {
      last = false
      letters = others = digits = 0
    } else return i + 1
    if (!last && letters > 3 && others > 0 && digits === 0 && !wordHasDigit(text, i)) return i + letters
  }
  return least
}

/** Behind the last white space or quotation mark. */
export function solidFrom(text: string): number {
  let i = text.length
  while (i > 0 && text.charCodeAt(i - 1) > 32 && text[i - 1] !== '"') i--
  return i
}

/** At most four hexadecimal digits that a colon or the end follows. */
export function hexGroup(text: string, at: number): boolean {
  let i = at
  while (i < text.length && i - at < 5 && isHex(text.charCodeAt(i))) i++
  return i - at < 5 && (i === text.length || text.charCodeAt(i) === 58 || text.charCodeAt(i) === 46)
}

function wordHasDigit(text: string, end: number): boolean {
  for (let i = end - 1; i >= 0 && end - i < 16; i--) {
    const kind = kinds[text.charCodeAt(i)] ?? 0
    if (kind & digit) return true
    if (!(kind & word)) return false
  }
  return false
}

function lettersBefore(text: string, start: number): number {
  const between = text.charCodeAt(start - 1)
  if (start < 3 || (between !== 32 && between !== 45)) return start
  let letters = start - 1
  while (letters > 0 && start - letters < 5 && text.charCodeAt(letters - 1) >= 65 && text.charCodeAt(letters - 1) <= 90)
    letters--
  const length = start - 1 - letters
  return length < 1 || length > 3 || isWord(text.charCodeAt(letters - 1)) ? start : letters
}

function phoneStart(text: string, start: number): number {
  let at = start
  if (text.charCodeAt(at - 1) === 40) at--
  if (text.charCodeAt(at - 1) === 43) at--
  return at
}

function isHex(code: number): boolean {
  return (code >= 48 && code <= 57) || (code >= 97 && code <= 102) || (code >= 65 && code <= 70)
}

function isLocal(code: number): boolean {
  return code > 160 || ((kinds[code] ?? 0) & local) !== 0
}

function domain(code: number): boolean {
  return code > 160 || isWord(code) || code === 45 || code === 46 || code === 91 || code === 95
}

const digit = 1
const word = 2
const local = 4
const separator = 8

const kinds = new Uint8Array(128)
for (let code = 33; code < 127; code++) {
  const char = String.fromCharCode(code)
  if (/\d/.test(char)) kinds[code] = digit | word | local
  else if (/[A-Za-z]/.test(char)) kinds[code] = word | local
  else if ("._%+-'".includes(char)) kinds[code] = local
}
for (const char of ' .-/:()') kinds[char.charCodeAt(0)] = (kinds[char.charCodeAt(0)] as number) | separator
