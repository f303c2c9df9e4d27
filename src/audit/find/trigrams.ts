/** Stands between texts that are indexed together; no trigram with it is looked for. */
export const separator = '\u0001'

/**
 * Makes of a text one with the same trigrams, each of which FTS5 has to look at: only the stretches with a trigram that has not come
 * before. What SQLite would stop at (NUL) is a separator. The function has room of its own, 8 MiB, for one text after the other.
 */
export function trigramThinner(): (text: string) => string {
  const seen = new Seen()
  return (text) => {
    const clean = text.includes('\0') ? text.replaceAll('\0', separator) : text
    return clean.length <= SHORT ? clean : distinctStretches(clean, seen)
  }
}

function distinctStretches(text: string, seen: Seen): string {
  seen.startAnew()
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
  /** For each trigram of ASCII the number of the text that it was last seen in. */
  readonly #ascii = new Uint32Array(2 ** 21)
  readonly #others = new Set<string>()
  #text = 0

  startAnew(): void {
    this.#others.clear()
    this.#text += 1
    if (this.#text < 2 ** 32) return
    this.#ascii.fill(0)
    this.#text = 1
  }

  /** How many code units from there on must be kept: none when all of it has come before. */
  add(text: string, at: number): number {
    const a = text.charCodeAt(at)
    const b = text.charCodeAt(at + 1)
    const c = text.charCodeAt(at + 2)
    if ((a | b | c) < 128) {
      const place = (a << 14) | (b << 7) | c
      if (this.#ascii[place] === this.#text) return 0
      this.#ascii[place] = this.#text
      return 3
    }
    // Three characters with surrogates among them are up to six units.
    const length = isSurrogate(a) || isSurrogate(b) || isSurrogate(c) ? 6 : 3
    const before = this.#others.size
    this.#others.add(text.slice(at, at + length))
    return this.#others.size > before ? length : 0
  }
}

const isSurrogate = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdfff

const SHORT = 8_192
