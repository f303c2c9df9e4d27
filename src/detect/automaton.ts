import { atOnce } from '../lib/steps.ts'
import type { Steps } from '../lib/steps.ts'

/**
 * Aho-Corasick over a reduced alphabet, as one dense table of 64 columns, so that the rows a text needs stay near the processor. The
 * characters that words have most get columns of their own; what ends a word with others has to be looked at again: `stands`.
 * States that end a word come last.
 */
export type Automaton = {
  /** Character code → column; 0 is that of characters in no word. */
  readonly columns: Uint8Array
  /** state × 64 + column → state. */
  readonly next: Uint16Array | Uint32Array
  /** The smallest state that ends a word. */
  readonly accepting: number
  /** Length of the longest word. */
  readonly longest: number
  /** For each state that ends words, in order: which, longest first, as indices into the list it was made of. */
  readonly endings: readonly (readonly number[])[]
  /** By word: 1 when some character of it shares its column. */
  readonly shared: Uint8Array
  /** Whether the word, which is one of those, really ends at `last` (inclusive), where its state says so. */
  readonly stands: (word: number, text: string, last: number) => boolean
  /** What tells beginnings of words from the state at the end of a text, by a rank that each word has. */
  readonly prefixes: (rankOf: (word: number) => number) => Prefix
}

/** Columns of a row, as a power of two. */
export const SHIFT = 6

/** Length of the longest suffix of `text`, shorter than `below`, that is a proper prefix of a word of this rank or a higher one. */
export type Prefix = (state: number, below: number, rank: number, text: string) => number

/** Words must be non-empty and folded already. `spellings` gives all characters that fold to one. */
export function automaton(words: readonly string[], spellings: (char: string) => readonly string[]): Automaton {
  return atOnce(automatonInSteps(words, spellings))
}

export function* automatonInSteps(
  words: readonly string[],
  spellings: (char: string) => readonly string[],
): Steps<Automaton> {
  const { columnOf, isShared } = columnsFor(words)
  const columns = new Uint8Array(65_536)
  for (const [char, column] of columnOf) for (const one of spellings(char)) columns[one.charCodeAt(0)] = column
  yield
  const trie = yield* trieOf(words, columnOf)
  const longest = words.reduce((most, word) => Math.max(most, word.length), 0)
  const shared = new Map<number, readonly (readonly string[])[]>()
  for (const [index, word] of words.entries()) {
    const chars = word.split('')
    if (chars.some(isShared)) shared.set(index, chars.map(spellings))
  }
  /** The word, or its first `length` characters. */
  const endsWith = (word: number, text: string, last: number, length?: number): boolean => {
    const chars = shared.get(word) ?? []
    let at = last
    for (let i = (length ?? chars.length) - 1; i >= 0; i--)
      if (chars[i]?.includes(text.charAt(at--)) !== true) return false
    return true
  }
  return {
    columns,
    longest,
    shared: Uint8Array.from(words, (_, word) => (shared.has(word) ? 1 : 0)),
    stands: (word, text, last) => endsWith(word, text, last),
    ...(yield* numbered(trie, yield* linked(trie), { words: [...shared.keys()], endsWith })),
  }
}

/** The words with shared columns, and whether the first `length` characters of one end at `last`. */
type Shared = {
  readonly words: readonly number[]
  readonly endsWith: (word: number, text: string, last: number, length: number) => boolean
}

/** A column for each character; when there are too many, the rarest share some. */
function columnsFor(words: readonly string[]): {
  columnOf: ReadonlyMap<string, number>
  isShared: (char: string) => boolean
} {
  const uses = new Map<string, number>()
  for (const word of words) {
    // A word of one character ends wherever that stands.
    const weight = word.length === 1 ? words.length : 1
    for (const char of word.split('')) uses.set(char, (uses.get(char) ?? 0) + weight)
  }
  const isAscii = (char: string): boolean => char < '\x80'
  const alphabet = [...uses.keys()].sort(
    (a, b) =>
      Number(isAscii(b)) - Number(isAscii(a)) || (uses.get(b) as number) - (uses.get(a) as number) || (a < b ? -1 : 1),
  )
  const all = (1 << SHIFT) - 1
  const own = alphabet.length <= all ? alphabet.length : all - sharedByAscii - sharedByOthers
  // Nearly all of most texts is ASCII: nothing there is to look like a word of another script.
  const shared = (char: string, index: number): number =>
    isAscii(char) ? index % sharedByAscii : sharedByAscii + (index % sharedByOthers)
  const columnOf = new Map(alphabet.map((char, index) => [char, 1 + (index < own ? index : own + shared(char, index))]))
  return { columnOf, isShared: (char) => (columnOf.get(char) as number) > own }
}

/** Lower and upper case of a character, where these are single and no other's: the capital of the dotless i belongs to i. */
export function bothCases(char: string): readonly string[] {
  const lower = char.toLowerCase()
  return [char, lower, char.toUpperCase()].filter((one) => one.length === 1 && one.toLowerCase() === lower)
}

type Trie = {
  /** node × 65,536 + column → node. */
  readonly edges: Map<number, number>
  /** Of each node: columns that lead on from it, its depth, parent, and the words that end there. */
  readonly columns: number[][]
  readonly depth: number[]
  readonly parent: number[]
  readonly ends: number[][]
  /** The node of each word. */
  readonly last: number[]
}

/** Nodes by depth, and for each the node of its longest suffix. */
type Links = { readonly order: readonly number[]; readonly fail: Int32Array }

const sharedByAscii = 2
const sharedByOthers = 10
const maximalNodes = 250_000
const stepWords = 256
const stepNodes = 1_024

function* trieOf(words: readonly string[], columnOf: ReadonlyMap<string, number>): Steps<Trie> {
  const trie: Trie = { edges: new Map(), columns: [[]], depth: [0], parent: [0], ends: [[]], last: [] }
  for (const [index, word] of words.entries()) {
    if (index % stepWords === 0) yield
    let node = 0
    for (let i = 0; i < word.length; i++) {
      const column = columnOf.get(word.charAt(i)) as number
      node = trie.edges.get(node * 65_536 + column) ?? added(trie, node, column)
    }
    ;(trie.ends[node] as number[]).push(index)
    trie.last.push(node)
  }
  return trie
}

function added(trie: Trie, parent: number, column: number): number {
  const node = trie.depth.length
  if (node > maximalNodes) throw new RangeError('too many different words for one list')
  trie.edges.set(parent * 65_536 + column, node)
  ;(trie.columns[parent] as number[]).push(column)
  trie.columns.push([])
  trie.depth.push((trie.depth[parent] as number) + 1)
  trie.parent.push(parent)
  trie.ends.push([])
  return node
}

function* linked({ edges, columns, ends }: Trie): Steps<Links> {
  const fail = new Int32Array(columns.length)
  const order = [0]
  for (let head = 0; head < order.length; head++) {
    if (head % stepNodes === 0) yield
    const node = order[head] as number
    for (const column of columns[node] as number[]) {
      const to = edges.get(node * 65_536 + column) as number
      let suffix = node
      let target = 0
      while (suffix !== 0 && target === 0) {
        suffix = fail[suffix] as number
        target = edges.get(suffix * 65_536 + column) ?? 0
      }
      fail[to] = target
      const inherited = ends[target] as number[]
      if (inherited.length > 0) ends[to] = [...(ends[to] as number[]), ...inherited]
      order.push(to)
    }
  }
  return { order, fail }
}

function* numbered(
  trie: Trie,
  { order, fail }: Links,
  shared: Shared,
): Steps<Pick<Automaton, 'next' | 'accepting' | 'endings' | 'prefixes'>> {
  const ends = (node: number): number[] => trie.ends[node] as number[]
  const plain = order.filter((node) => ends(node).length === 0)
  const ending = order.filter((node) => ends(node).length > 0)
  const nodes = Int32Array.from([...plain, ...ending])
  const places = new Int32Array(nodes.length)
  for (let i = 0; i < nodes.length; i++) places[nodes[i] as number] = i
  const next = yield* filled(trie, { order, fail }, places)
  yield
  return {
    next,
    accepting: plain.length,
    endings: ending.map(ends),
    prefixes: prefixesOf(nodes, fail, trie, shared),
  }
}

/** A node's row is that of its longest suffix but for its own children; the suffix is less deep, so its row is there already. */
function* filled(trie: Trie, { order, fail }: Links, places: Int32Array): Steps<Automaton['next']> {
  const cells = places.length << SHIFT
  const next = places.length <= 65_536 ? new Uint16Array(cells) : new Uint32Array(cells)
  for (const [index, node] of order.entries()) {
    if (index % stepNodes === 0) yield
    const row = (places[node] as number) << SHIFT
    const from = (places[fail[node] as number] as number) << SHIFT
    if (node !== 0) next.copyWithin(row, from, from + (1 << SHIFT))
    for (const column of trie.columns[node] as number[]) {
      next[row + column] = places[trie.edges.get(node * 65_536 + column) as number] as number
    }
  }
  return next
}

function prefixesOf(
  nodes: Int32Array,
  fail: Int32Array,
  trie: Trie,
  { words, endsWith }: Shared,
): Automaton['prefixes'] {
  const depth = Int32Array.from(trie.depth)
  const parent = Int32Array.from(trie.parent)
  const last = Int32Array.from(trie.last)
  const shared = new Set(words)
  return (rankOf) => {
    const rank = new Int32Array(nodes.length)
    /** Words with shared columns, by the nodes on their way. */
    const through = new Map<number, number[]>()
    for (let word = 0; word < last.length; word++) {
      const own = rankOf(word)
      for (let at = parent[last[word] as number] as number; at !== 0; at = parent[at] as number) {
        if (shared.has(word)) through.set(at, [...(through.get(at) ?? []), word])
        else if ((rank[at] as number) < own) rank[at] = own
      }
    }
    const begins = (at: number, least: number, text: string): boolean =>
      through.get(at)?.some((word) => {
        return rankOf(word) >= least && endsWith(word, text, text.length - 1, depth[at] as number)
      }) === true
    return (state, below, least, text) => {
      for (let at = nodes[state] as number; at !== 0; at = fail[at] as number) {
        const length = depth[at] as number
        if (length < below && ((rank[at] as number) >= least || begins(at, least, text))) return length
      }
      return 0
    }
  }
}
