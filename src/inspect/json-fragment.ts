/** Decoded characters of a piece of a JSON document, and where each stood. */
export type Decoded = {
  readonly text: string
  /** For each character twice its place in the input, plus one when it is not inside a string (quotes among those). */
  readonly places: readonly number[]
  /** The beginning of an escape whose end has not come. */
  readonly carry: string
  readonly inString: boolean
}

/**
 * Undoes the escapes of a piece of a JSON document, cut anywhere. `at` is the place of the first character, `inString` the state it is
 * read in. Input that is no JSON gives some text, never an error.
 */
export function decodeFragment(raw: string, at: number, inString: boolean): Decoded {
  const places: number[] = []
  let text = ''
  let from = 0
  let i = 0
  while (i < raw.length) {
    const code = raw.charCodeAt(i)
    if (code === BACKSLASH && inString) {
      const length = escapeLength(raw, i)
      if (length === 0) break
      text += raw.slice(from, i) + unescaped(raw, i, length)
      places.push((at + i) * 2)
      i += length
      from = i
    } else {
      places.push((at + i) * 2 + (code === QUOTE || !inString ? 1 : 0))
      if (code === QUOTE) inString = !inString
      i++
    }
  }
  return { text: text + raw.slice(from, i), places, carry: raw.slice(i), inString }
}

/** As the inside of a JSON string. */
export function escapeJson(text: string): string {
  return JSON.stringify(text).slice(1, -1)
}

/** 0 when the end has not come. */
function escapeLength(raw: string, at: number): number {
  if (at + 1 >= raw.length) return 0
  if (raw.charCodeAt(at + 1) !== LETTER_U) return 2
  for (let i = at + 2; i < at + 6; i++) {
    if (i >= raw.length) return 0
    if (!isHex(raw.charCodeAt(i))) return 2
  }
  return 6
}

function unescaped(raw: string, at: number, length: number): string {
  if (length === 6) return String.fromCharCode(Number.parseInt(raw.slice(at + 2, at + 6), 16))
  const letter = raw.charAt(at + 1)
  return controls[letter] ?? letter
}

function isHex(code: number): boolean {
  return (code >= 48 && code <= 57) || (code >= 65 && code <= 70) || (code >= 97 && code <= 102)
}

const controls: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' }
const BACKSLASH = 92
const QUOTE = 34
const LETTER_U = 117
