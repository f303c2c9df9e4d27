/** Stands between texts that are indexed together; no trigram with it is looked for. */
export const separator = '\u0001'

/**
 * A text with the same trigrams, each of which FTS5 has to look at once: of a long one only the stretches with a trigram that has not
 * come before. What SQLite would stop at (NUL) is a separator.
 */
export function forTrigrams(text: string): string {
  const clean = text.includes('\0') ? text.replaceAll('\0', separator) : text
  return clean.length <= SHORT ? clean : distinctStretches(clean)
}

function distinctStretches(text: string): string {
  const seen = new Seen()
  const stretches: string[] = []
  let start = -1
  let end = 0
  for (let at = 0; at + 3 <= text.length; at += 1) {
    const length = seen.add(text, at)
    if (length === 0) continue
    if (at > end) {
      if (start >= 0) stretches.push(text.slice(start, end))
      start = at
    } else if (start < 0) start = at
    end = Math.max(end, at + length)
  }
  if (start >= 0) stretches.push(text.slice(start, end))
  return stretches.join(separator)
}

class Seen {
  readonly #ascii = new Uint8Array(2 ** 21)
  readonly #others = new Set<string>()

  /** How many code units from there on must be kept: none when all of it has come before. */
  add(text: string, at: number): number {
    const [a, b, c] = [text.charCodeAt(at), text.charCodeAt(at + 1), text.charCodeAt(at + 2)]
    if (a < 128 && b < 128 && c < 128) {
      const place = (a << 14) | (b << 7) | c
      const known = this.#ascii[place] === 1
      this.#ascii[place] = 1
      return known ? 0 : 3
    }
    // Three characters with surrogates among them are up to six units.
    const length = hasSurrogate(a, b, c) ? 6 : 3
    const before = this.#others.size
    this.#others.add(text.slice(at, at + length))
    return this.#others.size > before ? length : 0
  }
}

const hasSurrogate = (...units: readonly number[]): boolean => units.some((unit) => unit >= 0xd800 && unit <= 0xdfff)

const SHORT = 8_192
