import type { Match } from '../core/verdict.ts'

/** A text as rules see it, with the way back: places in the normal form → places in the original. */
export type NormalForm = {
  readonly text: string
  /** The original index of the character at `index` (of the sequence it came from). */
  readonly startOf: (index: number) => number
  /** The original index behind the last character before `index`. */
  readonly endOf: (index: number) => number
}

/**
 * NFKC without zero-width characters and soft hyphens. Undefined when the text is its own normal form, which ASCII always is.
 * Decodings (base64, percent, hex) are forms of their own beside this one: see `encoded.ts`.
 */
export function normalForm(text: string): NormalForm | undefined {
  const normalizing = normalize(text)
  normalizing.advance(Infinity)
  return normalizing.form()
}

/** The same in steps, for long texts. */
export type Normalizing = {
  /** Looks at about `chars` more characters; false when nothing is left. Characters of ASCII count for little. */
  readonly advance: (chars: number) => boolean
  readonly form: () => NormalForm | undefined
}

export function normalize(text: string): Normalizing {
  let writer: Writer | undefined
  let at = 0
  let runStart = -1
  const advance = (chars: number): boolean => {
    const until = chars < text.length - at ? at + chars : text.length
    while (at < until) {
      if (runStart === -1) {
        foreign.lastIndex = at
        at = foreign.exec(text)?.index ?? text.length
        runStart = at
      }
      writer ??= new Writer(text)
      at = writeRun(writer, runStart, at, until)
      if (!(text.charCodeAt(at) > 127)) runStart = -1
    }
    return at < text.length
  }
  return { advance, form: () => writer?.finished() }
}

/** A match in the normal form as one of the original. */
export function carriedBack(match: Match, form: NormalForm): Match {
  return { ...match, start: form.startOf(match.start), end: form.endOf(match.end) }
}

/** The first pending place of a text by that of its normal form. Only the last `longestPending` characters are looked at. */
export function pendingThroughForm(text: string, pendingIn: (normal: string) => number): number {
  const cut = Math.max(0, text.length - longestPending)
  const tail = cut === 0 ? text : text.slice(cut)
  const form = normalForm(tail)
  return cut + (form === undefined ? pendingIn(tail) : placeBefore(pendingIn(form.text), form, tail))
}

/** Where in the original a place of the normal form is; the end is the end. */
export function placeBefore(index: number, form: NormalForm, original: string): number {
  return index >= form.text.length ? original.length : form.startOf(index)
}

export const longestPending = 4_096

/** Collects what differs from the original, and the text between as it is. */
class Writer {
  readonly text: string
  readonly #parts: string[] = []
  readonly #pieces: Piece[] = []
  #kept = 0
  #length = 0

  constructor(text: string) {
    this.text = text
  }

  replace(start: number, end: number, normal: string): void {
    this.#keep(start)
    this.#kept = end
    if (normal === '') return
    this.#parts.push(normal)
    this.#pieces.push({ normal: this.#length, original: start, originalEnd: end, same: false })
    this.#length += normal.length
  }

  finished(): NormalForm | undefined {
    if (this.#kept === 0) return undefined
    this.#keep(this.text.length)
    return { text: this.#parts.join(''), ...wayBack(this.#pieces, this.text.length) }
  }

  #keep(to: number): void {
    if (to <= this.#kept) return
    this.#parts.push(this.text.slice(this.#kept, to))
    this.#pieces.push({ normal: this.#length, original: this.#kept, originalEnd: to, same: true })
    this.#length += to - this.#kept
  }
}

/** Goes on with a run of characters beyond ASCII, to its end or `until`. A mark at its beginning belongs to the character before it. */
function writeRun(writer: Writer, runStart: number, from: number, until: number): number {
  const { text } = writer
  let i = from
  while (i < until && text.charCodeAt(i) > 127) {
    const next = i + 1 < text.length ? kindOf(text.charCodeAt(i + 1)) : plain
    const kind = kindOf(text.charCodeAt(i))
    if (kind === plain && next !== joins) i++
    else if (kind === changes && next !== joins) {
      writer.replace(i, i + 1, text.charAt(i).normalize('NFKC'))
      i++
    } else i = writeCluster(writer, i === runStart && i > 0 && leadingMark.test(text.charAt(i)) ? i - 1 : i, i)
  }
  return i
}

function writeCluster(writer: Writer, start: number, at: number): number {
  cluster.lastIndex = start
  const found = cluster.exec(writer.text)?.[0] ?? writer.text.charAt(start)
  const normal = found.replace(everyInvisible, '').normalize('NFKC')
  const end = Math.max(start + found.length, at + 1)
  if (normal !== found) writer.replace(start, end, normal)
  return end
}

function kindOf(code: number): number {
  if (kinds[code] !== 0) return kinds[code] as number
  const char = String.fromCharCode(code)
  const surrogate = code >= 0xd800 && code <= 0xdfff
  const jamo = code >= 0x1100 && code <= 0x11ff
  const kind = surrogate || jamo || joining.test(char) ? joins : char.normalize('NFKC') === char ? plain : changes
  kinds[code] = kind
  return kind
}

type Piece = {
  readonly normal: number
  readonly original: number
  readonly originalEnd: number
  readonly same: boolean
}

function wayBack(pieces: readonly Piece[], end: number): Pick<NormalForm, 'startOf' | 'endOf'> {
  const pieceAt = (index: number): Piece | undefined => {
    let low = 0
    let high = pieces.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if ((pieces[middle] as Piece).normal <= index) low = middle
      else high = middle - 1
    }
    return pieces[low]
  }
  const startOf = (index: number): number => {
    const piece = pieceAt(index)
    if (piece === undefined) return end
    return piece.same ? Math.min(piece.original + index - piece.normal, piece.originalEnd) : piece.original
  }
  const endOf = (index: number): number => {
    const piece = index === 0 ? undefined : pieceAt(index - 1)
    if (piece === undefined) return 0
    return piece.same ? Math.min(piece.original + index - piece.normal, piece.originalEnd) : piece.originalEnd
  }
  return { startOf, endOf }
}

const plain = 1
const changes = 2
const joins = 3
// What is known of each character so far: a memo of a pure function.
const kinds = new Uint8Array(65_536)
const foreign = /[^\x00-\x7f]/g
const leadingMark = /\p{M}/u
const joining = /[\p{M}\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]/u
const cluster =
  /(?:[\u1100-\u11ff]{1,3}|.)(?:\p{M}|[\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]){0,32}/suy
const everyInvisible = /[\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]|[\ufe00-\ufe0f]/gu
