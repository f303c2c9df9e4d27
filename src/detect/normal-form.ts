import type { Match } from '../core/verdict.ts'
import { folded, foldingAt, folds, lookalike } from './confusables.ts'
import type { Folding } from './confusables.ts'
import { isWord } from './places.ts'
import { wayBack } from './rewrite.ts'
import type { NormalForm, Piece } from './rewrite.ts'

export type { NormalForm } from './rewrite.ts'

/**
 * NFKC without characters that nobody sees (Unicode's default ignorables: zero-width, soft hyphens, bidi controls, variation selectors,
 * tags) and without marks put over ASCII; decimal digits of all scripts and look-alikes within words are those of ASCII. Undefined when
 * the text is its own normal form, which ASCII always is. What is spelled otherwise has forms of its own: see `disguises.ts`.
 * `open`: the text may go on, so that a word at its end is taken for what it could become.
 */
export function normalForm(text: string, open = false): NormalForm | undefined {
  const normalizing = normalize(text, open)
  normalizing.advance(Infinity)
  return normalizing.form()
}

/** The same in steps, for long texts. */
export type Normalizing = {
  /** Looks at about `chars` more characters; false when nothing is left. Characters of ASCII count for little. */
  readonly advance: (chars: number) => boolean
  readonly form: () => NormalForm | undefined
}

export function normalize(text: string, open = false): Normalizing {
  let writer: Writer | undefined
  let at = 0
  let runStart = -1
  const advance = (chars: number): boolean => {
    const until = chars < text.length - at ? at + chars : text.length
    while (at < until) {
      if (runStart === -1) {
        at = nextForeign(text, at)
        runStart = at
      }
      const quiet = quietUntil(text, at, until, open)
      if (quiet === -1) at = writeRun((writer ??= new Writer(text, open)), runStart, at, until)
      else at = quiet
      if (!(text.charCodeAt(at) > 127)) runStart = -1
    }
    return at < text.length
  }
  return { advance, form: () => writer?.finished() }
}

/** Words are short: an expression is asked only where none is near. */
function nextForeign(text: string, from: number): number {
  const near = Math.min(text.length, from + 32)
  let at = from
  while (at < near && text.charCodeAt(at) < 128) at++
  if (at < near || near === text.length) return at
  foreign.lastIndex = at
  return foreign.exec(text)?.index ?? text.length
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
  let pending = form === undefined ? pendingIn(tail) : placeBefore(pendingIn(form.text), form, tail)
  const could = form === undefined && isAscii.test(tail) ? undefined : normalForm(tail, true)
  // The word at the end may turn out to be a disguise.
  if (could !== undefined && could.text !== (form?.text ?? tail)) {
    pending = Math.min(pending, placeBefore(pendingIn(could.text), could, tail))
  }
  return cut + pending
}

/** Where in the original a place of the normal form is; the end is the end. */
export function placeBefore(index: number, form: NormalForm, original: string): number {
  return index >= form.text.length ? original.length : form.startOf(index)
}

export const longestPending = 4_096

/** Collects what differs from the original, and the text between as it is. */
class Writer {
  readonly text: string
  /** Look-alikes before this place are what they look like. */
  plainUntil = 0
  readonly #open: boolean
  readonly #chunks: string[] = []
  readonly #parts: string[] = []
  readonly #pieces: { -readonly [Name in keyof Piece]: Piece[Name] }[] = []
  #kept = 0
  #length = 0
  #folding: Folding = nothing

  constructor(text: string, open: boolean) {
    this.text = text
    this.#open = open
  }

  /** The look-alike at `at` as it is to be read. Places are asked for in order. */
  unmasked(code: number, at: number): string | undefined {
    if (at >= this.#folding.end) {
      this.#folding = foldingAt(this.text, at, this.#open)
      if (!folds(this.#folding)) this.plainUntil = this.#folding.end
    }
    return folded(code, this.#folding)
  }

  replace(start: number, end: number, normal: string): void {
    this.#keep(start)
    this.#kept = end
    if (normal !== '') this.#add(normal, start, end, normal.length === 1 && end - start === 1)
  }

  finished(): NormalForm | undefined {
    if (this.#kept === 0) return undefined
    this.#keep(this.text.length)
    this.#kept = this.text.length
    return { text: this.#chunks.join('') + this.#parts.join(''), ...wayBack(this.#pieces, this.text.length) }
  }

  #keep(to: number): void {
    if (to <= this.#kept) return
    this.#add(this.text.slice(this.#kept, to), this.#kept, to, true)
  }

  /** One character for one keeps its place, so it needs no piece of its own. Parts are joined as they come: a step takes no longer at the end. */
  #add(part: string, start: number, end: number, same: boolean): void {
    if (this.#parts.push(part) === mostParts) this.#chunks.push(this.#parts.splice(0).join(''))
    const last = this.#pieces.at(-1)
    if (same && last?.same === true && last.originalEnd === start) last.originalEnd = end
    else this.#pieces.push({ normal: this.#length, original: start, originalEnd: end, same })
    this.#length += part.length
  }
}

/**
 * The end of a run of characters beyond ASCII, or `until`, when all of it stands as it is: nothing that changes, and look-alikes only
 * in words without a letter or digit of ASCII. -1 when that is not sure.
 */
function quietUntil(text: string, from: number, until: number, open: boolean): number {
  let alikes = false
  let i = from
  let code = 128
  for (; i < until; i++) {
    code = text.charCodeAt(i)
    if (code < 128) break
    const kind = kinds[code] || kindOf(code)
    if (kind === alike) alikes = true
    else if (kind !== plain) return -1
  }
  // A mark that follows would belong to the last.
  if (code > 127 && i < text.length && kindOf(text.charCodeAt(i)) === joins) return -1
  if (!alikes) return i
  const ends = i < until || (i === text.length && !open)
  return ends && isApart(text.charCodeAt(from - 1)) && isApart(text.charCodeAt(i)) ? i : -1
}

/** No character of a word, or none at all. */
function isApart(code: number): boolean {
  return !(code > 127) && !isWord(code) && code !== 45 && code !== 95
}

/** Goes on with a run of characters beyond ASCII, to its end or `until`. A mark at its beginning belongs to the character before it. */
function writeRun(writer: Writer, runStart: number, from: number, until: number): number {
  const { text } = writer
  let i = from
  let code = text.charCodeAt(i)
  let kind = kindOf(code)
  while (i < until && code > 127) {
    const following = i + 1 < text.length ? text.charCodeAt(i + 1) : 0
    const next = kinds[following] || kindOf(following)
    if (kind === plain && next !== joins) {
      i++
      code = following
      kind = next
      continue
    }
    if (next === joins || kind === joins) {
      i = writeCluster(writer, i === runStart && i > 0 && isMarked(text, i) ? i - 1 : i, i)
      code = i < text.length ? text.charCodeAt(i) : 0
      kind = kindOf(code)
      continue
    }
    if (kind === alike) {
      if (i < writer.plainUntil) {
        i++
        code = following
        kind = next
        continue
      }
      const letter = writer.unmasked(code, i)
      if (letter !== undefined) writer.replace(i, i + 1, letter)
    } else if (kind === changes) writer.replace(i, i + 1, replacementOf(code))
    i++
    code = following
    kind = next
  }
  return i
}

function writeCluster(writer: Writer, start: number, at: number): number {
  cluster.lastIndex = start
  const found = cluster.exec(writer.text)?.[0] ?? writer.text.charAt(start)
  let normal = resolved(found.replace(everyInvisible, ''))
  if (normal.length === 1 && normal > '\x7f' && kindOf(normal.charCodeAt(0)) === alike) {
    normal = writer.unmasked(normal.charCodeAt(0), at) ?? normal
  }
  const end = Math.max(start + found.length, at + 1)
  if (normal !== found) writer.replace(start, end, normal)
  return end
}

function replacementOf(code: number): string {
  let found = replacements.get(code)
  if (found === undefined) replacements.set(code, (found = resolved(String.fromCharCode(code))))
  return found
}

function resolved(found: string): string {
  let normal = found.normalize('NFKC')
  if (normal.length > 1 && found < '\x80') normal = normal.normalize('NFD').replace(everyMark, '')
  return normal.replace(otherDigit, digitOf).replace(hyphen, '-').replace(enclosedLetter, letterOf)
}

/** Decimal digits stand in their order, in blocks of ten. */
function digitOf(char: string): string {
  const code = char.codePointAt(0) as number
  let zero = code
  while (code - zero < 60 && decimal.test(String.fromCodePoint(zero - 1))) zero--
  return String((code - zero) % 10)
}

/** White letters on black: what NFKC leaves of those in frames. */
function letterOf(char: string): string {
  return String.fromCharCode(65 + (((char.codePointAt(0) as number) - 0x1f150) % 32))
}

/** Whether marks that can be seen follow, with ones that cannot or without. */
function isMarked(text: string, at: number): boolean {
  leadingMark.lastIndex = at
  return leadingMark.test(text)
}

function kindOf(code: number): number {
  if (kinds[code] !== 0) return kinds[code] as number
  const char = String.fromCharCode(code)
  const surrogate = code >= 0xd800 && code <= 0xdfff
  const jamo = code >= 0x1100 && code <= 0x11ff
  let kind = plain
  if (surrogate || jamo || joining.test(char)) kind = joins
  else if (lookalike(code)) kind = alike
  else if (resolved(char) !== char) kind = changes
  kinds[code] = kind
  return kind
}

const plain = 1
const changes = 2
const joins = 3
const alike = 4
// What is known of each character so far: a memo of a pure function.
const kinds = new Uint8Array(65_536)
const replacements = new Map<number, string>()
const mostParts = 1_024
const nothing: Folding = { end: -1, letters: false, accents: false, digits: false }
const isAscii = /^[\x00-\x7f]*$/
const foreign = /[^\x00-\x7f]/g
const leadingMark = /[\p{DI}\ufff9-\ufffb]{0,64}[\p{M}--\p{DI}]/vy
const joining = /[\p{M}\p{DI}\ufff9-\ufffb]/u
const cluster = /(?:[\u1100-\u115e\u1161-\u11ff]{1,3}|.)[\p{M}\p{DI}\ufff9-\ufffb]{0,512}/suy
const everyInvisible = /[\p{DI}\ufff9-\ufffb]/gu
const everyMark = /\p{M}/gu
const decimal = /\p{Nd}/u
const otherDigit = /[\p{Nd}--[0-9]]/gv
// Hyphens, the minus sign.
const hyphen = /[\u2010-\u2012\u2212\ufe63]/g
const enclosedLetter = /[\u{1f150}-\u{1f169}\u{1f170}-\u{1f189}]/gu
