import { insideWord, isWord } from './places.ts'

/** By ending state: what can be told at once of a word that ends there, so that most words cost nothing more. */
export type Gates = {
  /** What of the following holds, as a sum. */
  readonly kinds: Uint8Array
  /** Length of the only word. */
  readonly lengths: Uint16Array
}

/** Nothing is to be done where the word begins inside another. */
export const HEAD = 1
/** A capital inside a name, or a letter behind a digit, does begin one. */
export const HUMP = 2
/** Nothing is to be done where a small letter follows. */
export const WHOLE = 4
/** All there is to do is to note where an opener ended. */
export const OPENER = 8
/** A digit, and nothing else. */
export const DIGIT = 16

/** Whether there is nothing to do for the words that end with `last` (inclusive). */
export function isShut({ kinds, lengths }: Gates, ending: number, text: string, last: number): boolean {
  const kind = kinds[ending] as number
  if ((kind & HEAD) !== 0) {
    const start = last + 1 - (lengths[ending] as number)
    const before = text.charCodeAt(start - 1)
    if (isWord(before) && !((kind & HUMP) !== 0 && isHump(before, text.charCodeAt(start))) && insideWord(text, start))
      return true
  }
  if ((kind & WHOLE) === 0) return false
  const after = text.charCodeAt(last + 1)
  return after > 96 && after < 123
}

/** Whether a word in the sense of contexts begins between a letter or digit and `code`. */
function isHump(before: number, code: number): boolean {
  return before < 58 || (before > 96 && code > 64 && code < 91)
}
