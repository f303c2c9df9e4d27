import { SallyportError } from '../core/errors.ts'
import { normalForm } from './normal-form.ts'

/** Words and phrases as a tree of characters, whose edges stand in one open hash table: as large as the words are, not as the alphabet. */
export type WordList = {
  /** The end of the longest word that begins at `at` and is a whole word; 0 when there is none. */
  readonly endAt: (text: string, at: number) => number
  /** Whether from `at` to the end of the text stands a word, or the beginning of one. */
  readonly isBegun: (text: string, at: number) => boolean
  /** Whether a word can begin with the character: fast, and seldom wrong. */
  readonly begins: (code: number) => boolean
}

/** Words in any spelling; those that are empty in their normal form are an error, and so are more than four million characters. */
export function wordList(words: readonly string[], caseSensitive: boolean): WordList {
  const foldOf = caseSensitive ? identical : folded
  const tree = new Tree()
  for (const word of words) tree.add(foldedWord(word, foldOf))
  const first = new Uint8Array(65_536)

  /** Goes on from `at` as far as there are words: the node at which the text ended, or -1, and the last whole word's end. */
  const walk = (text: string, at: number): { readonly node: number; readonly end: number } => {
    let node = 0
    let end = 0
    let i = at
    while (i < text.length) {
      const code = text.charCodeAt(i)
      const blank = isBlank(code)
      node = blank ? tree.next(node, 32) : followed(tree, node, foldOf(code))
      if (node < 0) return { node, end }
      i = blank ? blanksEnd(text, i) : i + 1
      if (tree.isWord(node) && endsWord(text, i)) end = i
    }
    return { node, end }
  }
  return {
    endAt: (text, at) => (beginsWord(text, at) ? walk(text, at).end : 0),
    isBegun: (text, at) => beginsWord(text, at) && walk(text, at).node > 0,
    begins: (code) => {
      if (first[code] === 0) first[code] = followed(tree, 0, foldOf(code)) < 0 ? 1 : 2
      return first[code] === 2
    },
  }
}

class Tree {
  // Slot by slot: the node an edge comes from (0 is free, so nodes count from 1), its character, the node it leads to.
  #from = new Int32Array(1_024)
  #code = new Uint16Array(1_024)
  #to = new Int32Array(1_024)
  #words = new Uint8Array(512)
  #nodes = 1

  add(word: string): void {
    let node = 0
    for (let i = 0; i < word.length; i++) {
      const code = word.charCodeAt(i)
      const next = this.next(node, code)
      node = next < 0 ? this.#grown(node, code) : next
    }
    this.#words[node] = 1
  }

  next(node: number, code: number): number {
    const slot = this.#slot(node, code)
    return this.#from[slot] === 0 ? -1 : (this.#to[slot] as number)
  }

  isWord(node: number): boolean {
    return this.#words[node] === 1
  }

  #slot(node: number, code: number): number {
    const mask = this.#from.length - 1
    let slot = (Math.imul(node, 0x9e37_79b1) ^ Math.imul(code, 0x85eb_ca6b)) >>> 7
    for (slot &= mask; this.#from[slot] !== 0; slot = (slot + 1) & mask) {
      if (this.#from[slot] === node + 1 && this.#code[slot] === code) break
    }
    return slot
  }

  #grown(node: number, code: number): number {
    if (this.#nodes === mostCharacters) throw new SallyportError('policy_invalid', 'the keyword list is too large')
    if (this.#nodes * 2 >= this.#from.length) this.#double()
    this.#put(node, code, this.#nodes)
    return this.#nodes++
  }

  #put(node: number, code: number, to: number): void {
    const slot = this.#slot(node, code)
    this.#from[slot] = node + 1
    this.#code[slot] = code
    this.#to[slot] = to
  }

  #double(): void {
    const [from, code, to, words] = [this.#from, this.#code, this.#to, this.#words]
    this.#from = new Int32Array(from.length * 2)
    this.#code = new Uint16Array(from.length * 2)
    this.#to = new Int32Array(from.length * 2)
    this.#words = new Uint8Array(from.length)
    this.#words.set(words)
    for (let i = 0; i < from.length; i++) {
      if (from[i] !== 0) this.#put((from[i] as number) - 1, code[i] as number, to[i] as number)
    }
  }
}

function followed(tree: Tree, node: number, fold: number | string): number {
  if (typeof fold === 'number') return tree.next(node, fold)
  let at = node
  for (let i = 0; i < fold.length && at >= 0; i++) at = tree.next(at, fold.charCodeAt(i))
  return at
}

function foldedWord(word: string, foldOf: (code: number) => number | string): string {
  const normal = (normalForm(word)?.text ?? word).trim().replace(/\s+/g, ' ')
  if (normal === '') throw new SallyportError('policy_invalid', 'a keyword is empty')
  let out = ''
  for (let i = 0; i < normal.length; i++) {
    const fold = foldOf(normal.charCodeAt(i))
    out += typeof fold === 'number' ? String.fromCharCode(fold) : fold
  }
  return out
}

function identical(code: number): number {
  return code
}

/** The character in whatever case: `ß` as `ss`, `ς` as `σ`. */
function folded(code: number): number | string {
  if (code < 128) return code > 64 && code < 91 ? code + 32 : code
  const known = folds.get(code)
  if (known !== undefined) return known
  const fold = String.fromCharCode(code).toUpperCase().toLowerCase()
  const made = fold.length === 1 ? fold.charCodeAt(0) : fold
  folds.set(code, made)
  return made
}

function isBlank(code: number): boolean {
  return code === 32 || (code > 8 && code < 14) || code === 0x2028 || code === 0x2029
}

/** The end of the white space from `at` on, of which so much counts as one blank. */
function blanksEnd(text: string, at: number): number {
  const most = Math.min(text.length, at + mostBlanks)
  let i = at + 1
  while (i < most && isBlank(text.charCodeAt(i))) i++
  return i
}

/** Nothing before it that belongs to the same word. Where words are not set apart, one may begin anywhere. */
function beginsWord(text: string, at: number): boolean {
  const kind = kindAt(text, at)
  return kind !== mark && !isOneWord(kindAt(text, at - 1), kind)
}

/** The same behind it. Korean particles follow a word directly. */
function endsWord(text: string, at: number): boolean {
  const kind = kindAt(text, at)
  if (kind === mark || kind === denseMark) return false
  return kind === hangul || !isOneWord(kindAt(text, at - 1), kind)
}

/** Whether characters of these kinds, one after the other, are in the same word. */
function isOneWord(before: number, kind: number): boolean {
  if (before === hangul || kind === hangul) return before === kind || before === mark
  return (before === letter || before === mark) && kind === letter
}

/** What a character is to words. */
function kindAt(text: string, at: number): number {
  const code = text.charCodeAt(at)
  if (code < 128) {
    const inWord = code > 47 && (code < 58 || (code > 64 && code < 91) || code === 95 || (code > 96 && code < 123))
    return inWord ? letter : other
  }
  if (Number.isNaN(code)) return other
  const low = code >= 0xdc00 && code <= 0xdfff
  const point = text.codePointAt(low && at > 0 ? at - 1 : at) as number
  if (point > 0xffff) return kindOf(point)
  const known = kinds[code] as number
  return known === 0 ? (kinds[code] = kindOf(point)) : known
}

function kindOf(point: number): number {
  const char = String.fromCodePoint(point)
  const isDense = withoutSpaces.test(char)
  if (/\p{M}/u.test(char)) return isDense ? denseMark : mark
  if (!/[\p{L}\p{N}]/u.test(char)) return other
  return isDense ? dense : /\p{Script=Hangul}/u.test(char) ? hangul : letter
}

const other = 1
const letter = 2
const mark = 3
const dense = 4
const denseMark = 5
const hangul = 6
const withoutSpaces =
  /[\p{Script_Extensions=Han}\p{Script_Extensions=Hiragana}\p{Script_Extensions=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}\p{Script=Tibetan}]/u
// What is known of characters so far: memos of pure functions.
const kinds = new Uint8Array(65_536)
const folds = new Map<number, number | string>()
const mostBlanks = 64
const mostCharacters = 4_000_000
