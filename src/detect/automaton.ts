/**
 * Aho-Corasick over a reduced alphabet, as one dense table. A row has `stride` times 16 cells; a state is its row's offset in
 * `next`, divided by 16, so that the tables of rule packs fit in half the memory. States that end a word come last.
 */
export type Automaton = {
  /** Character code → column. */
  readonly columns: Uint8Array | Uint16Array
  /** state × 16 + column → state. */
  readonly next: Uint16Array | Int32Array
  /** The smallest state that ends a word. */
  readonly accepting: number
  readonly stride: number
  /** Length of the longest word. */
  readonly longest: number
  /** For each state that ends words, in order: which, longest first, as indices into the list it was made of. */
  readonly endings: readonly (readonly number[])[]
  /** What tells beginnings of words from the state at the end of a text, by a rank that each word has. */
  readonly prefixes: (rankOf: (word: number) => number) => Prefix
}

/** The longest suffix of what was read, shorter than `below`, that is a proper prefix of a word of this rank or a higher one. */
export type Prefix = (state: number, below: number, rank: number) => number

/**
 * Words must be non-empty and folded already. `spellings` gives all characters that fold to one. Characters beyond ASCII share
 * columns when they are many: a word may then end where it does not stand, and whoever finds it looks again.
 */
export function automaton(words: readonly string[], spellings: (char: string) => readonly string[]): Automaton {
  const columnOf = columnsOf([...new Set(words.flatMap((word) => word.split('')))].sort())
  const count = Math.max(0, ...columnOf.values())
  const stride = ((count + 1) >> 4) + 1
  const columns = count < 256 ? new Uint8Array(65_536) : new Uint16Array(65_536)
  for (const [char, column] of columnOf) for (const one of spellings(char)) columns[one.charCodeAt(0)] = column
  const trie = trieOf(words, columnOf, stride)
  const longest = words.reduce((most, word) => Math.max(most, word.length), 0)
  return { columns, stride, longest, ...numbered(trie, linked(trie), stride) }
}

function columnsOf(alphabet: readonly string[]): Map<string, number> {
  const ascii = alphabet.filter((char) => char.charCodeAt(0) < 128)
  const others = alphabet.slice(ascii.length)
  const shared = others.length > mostOthers ? mostOthers : others.length
  const columnOf = new Map(ascii.map((char, index) => [char, index + 1]))
  for (const [index, char] of others.entries()) columnOf.set(char, ascii.length + 1 + (index % shared))
  return columnOf
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

const mostOthers = 32
const maximalCells = 16_000_000

function trieOf(words: readonly string[], columnOf: Map<string, number>, stride: number): Trie {
  const trie: Trie = { edges: new Map(), columns: [[]], depth: [0], parent: [0], ends: [[]], last: [] }
  for (const [index, word] of words.entries()) {
    let node = 0
    for (let i = 0; i < word.length; i++) {
      const column = columnOf.get(word.charAt(i)) as number
      node = trie.edges.get(node * 65_536 + column) ?? added(trie, node, column, stride)
    }
    ;(trie.ends[node] as number[]).push(index)
    trie.last.push(node)
  }
  return trie
}

function added(trie: Trie, parent: number, column: number, stride: number): number {
  const node = trie.depth.length
  if (node * stride * 16 > maximalCells) throw new RangeError('too many different words for one list')
  trie.edges.set(parent * 65_536 + column, node)
  ;(trie.columns[parent] as number[]).push(column)
  trie.columns.push([])
  trie.depth.push((trie.depth[parent] as number) + 1)
  trie.parent.push(parent)
  trie.ends.push([])
  return node
}

function linked({ edges, columns, ends }: Trie): Links {
  const fail = new Int32Array(columns.length)
  const order = [0]
  for (let head = 0; head < order.length; head++) {
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

function numbered(
  trie: Trie,
  { order, fail }: Links,
  stride: number,
): Pick<Automaton, 'next' | 'accepting' | 'endings' | 'prefixes'> {
  const ends = (node: number): number[] => trie.ends[node] as number[]
  const plain = order.filter((node) => ends(node).length === 0)
  const ending = order.filter((node) => ends(node).length > 0)
  const nodes = Int32Array.from([...plain, ...ending])
  const places = new Int32Array(nodes.length)
  for (let i = 0; i < nodes.length; i++) places[nodes[i] as number] = i * stride
  const next = filled(trie, { order, fail }, places, stride)
  return {
    next,
    accepting: plain.length * stride,
    endings: ending.map(ends),
    prefixes: prefixesOf(nodes, fail, trie, stride),
  }
}

/** A node's row is that of its longest suffix but for its own children; the suffix is less deep, so its row is there already. */
function filled(trie: Trie, { order, fail }: Links, places: Int32Array, stride: number): Automaton['next'] {
  const size = places.length * stride
  const next = size <= 65_536 ? new Uint16Array(size * 16) : new Int32Array(size * 16)
  for (const node of order) {
    const row = (places[node] as number) * 16
    const from = (places[fail[node] as number] as number) * 16
    if (node !== 0) next.copyWithin(row, from, from + stride * 16)
    for (const column of trie.columns[node] as number[]) {
      next[row + column] = places[trie.edges.get(node * 65_536 + column) as number] as number
    }
  }
  return next
}

function prefixesOf(nodes: Int32Array, fail: Int32Array, trie: Trie, stride: number): Automaton['prefixes'] {
  const depth = Int32Array.from(trie.depth)
  const parent = Int32Array.from(trie.parent)
  const last = Int32Array.from(trie.last)
  return (rankOf) => {
    const rank = new Int32Array(nodes.length)
    for (let word = 0; word < last.length; word++) {
      const own = rankOf(word)
      for (let at = parent[last[word] as number] as number; at !== 0; at = parent[at] as number) {
        if ((rank[at] as number) < own) rank[at] = own
      }
    }
    return (state, below, least) => {
      for (let at = nodes[state / stride] as number; at !== 0; at = fail[at] as number) {
        if ((rank[at] as number) >= least && (depth[at] as number) < below) return depth[at] as number
      }
      return 0
    }
  }
}
