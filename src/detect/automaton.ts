/**
 * Aho-Corasick over a reduced alphabet, as one dense table. States are numbered so that those that end a word come last; a
 * state is its row's offset in `next`.
 */
export type Automaton = {
  /** Character code → column. */
  readonly columns: Uint8Array | Uint16Array
  /** state + column → state. */
  readonly next: Int32Array
  /** The smallest state that ends a word. */
  readonly accepting: number
  readonly width: number
  /** Words that end in a state, longest first: indices into the list it was made of. */
  readonly words: (state: number) => readonly number[]
  /** The longest suffix of what was read, shorter than `below`, that is a proper prefix of a word of this rank or a higher one. */
  readonly prefix: (state: number, below: number, rank: number) => number
}

/**
 * Words must be non-empty and folded already. `spellings` gives all characters that fold to one. `rankOf` a word is for
 * `prefix`.
 */
export function automaton(
  words: readonly string[],
  spellings: (char: string) => readonly string[],
  rankOf: (word: number) => number = () => 1,
): Automaton {
  const alphabet = [...new Set(words.flatMap((word) => word.split('')))]
  const width = alphabet.length + 1
  const columns = width <= 256 ? new Uint8Array(65_536) : new Uint16Array(65_536)
  const columnOf = new Map(alphabet.map((char, index) => [char, index + 1]))
  for (const [char, column] of columnOf) for (const one of spellings(char)) columns[one.charCodeAt(0)] = column
  const trie = trieOf(words, columnOf, width, rankOf)
  return { columns, width, ...numbered(linked(trie, width), width) }
}

/** Lower and upper case of a character, where these are single. */
export function bothCases(char: string): readonly string[] {
  return [char, char.toLowerCase(), char.toUpperCase()].filter((one) => one.length === 1)
}

type Trie = { rows: Int32Array[]; depth: number[]; ends: number[][]; rank: number[] }
type Linked = Trie & { fail: Int32Array }

const maximalCells = 16_000_000

function trieOf(
  words: readonly string[],
  columnOf: Map<string, number>,
  width: number,
  rankOf: (word: number) => number,
): Trie {
  const trie: Trie = { rows: [new Int32Array(width)], depth: [0], ends: [[]], rank: [0] }
  for (const [index, word] of words.entries()) {
    let state = 0
    for (let i = 0; i < word.length; i++) {
      const column = columnOf.get(word.charAt(i)) ?? 0
      const row = trie.rows[state] as Int32Array
      if (row[column] === 0) row[column] = added(trie, width, i + 1)
      state = row[column] as number
      if (i + 1 < word.length) trie.rank[state] = Math.max(trie.rank[state] as number, rankOf(index))
    }
    ;(trie.ends[state] as number[]).push(index)
  }
  return trie
}

function added(trie: Trie, width: number, depth: number): number {
  if (trie.rows.length * width > maximalCells) throw new RangeError('too many different words for one list')
  trie.rows.push(new Int32Array(width))
  trie.depth.push(depth)
  trie.ends.push([])
  trie.rank.push(0)
  return trie.rows.length - 1
}

function linked(trie: Trie, width: number): Linked {
  const fail = new Int32Array(trie.rows.length)
  const queue: number[] = [0]
  for (let head = 0; head < queue.length; head++) {
    const state = queue[head] as number
    const row = trie.rows[state] as Int32Array
    const failRow = trie.rows[fail[state] as number] as Int32Array
    for (let column = 1; column < width; column++) {
      const child = row[column] as number
      if (child === 0) {
        if (state !== 0) row[column] = failRow[column] as number
        continue
      }
      const target = state === 0 ? 0 : (failRow[column] as number)
      fail[child] = target
      trie.ends[child] = [...(trie.ends[child] as number[]), ...(trie.ends[target] as number[])]
      queue.push(child)
    }
  }
  return { ...trie, fail }
}

function numbered(trie: Linked, width: number): Pick<Automaton, 'next' | 'accepting' | 'words' | 'prefix'> {
  const count = trie.rows.length
  const order = [...trie.rows.keys()].filter((state) => (trie.ends[state] as number[]).length === 0)
  const accepting = order.length * width
  order.push(...[...trie.rows.keys()].filter((state) => (trie.ends[state] as number[]).length > 0))
  const place = new Int32Array(count)
  for (const [index, state] of order.entries()) place[state] = index * width
  const next = new Int32Array(count * width)
  for (const state of order) {
    const row = trie.rows[state] as Int32Array
    const base = place[state] as number
    for (let column = 0; column < width; column++) next[base + column] = place[row[column] as number] as number
  }
  const endings = order.slice(accepting / width).map((state) => trie.ends[state] as number[])
  const prefix = (state: number, below: number, rank: number): number => {
    for (let at = order[state / width] as number; at !== 0; at = trie.fail[at] as number) {
      if ((trie.rank[at] as number) >= rank && (trie.depth[at] as number) < below) return trie.depth[at] as number
    }
    return 0
  }
  return { next, accepting, words: (state) => endings[(state - accepting) / width] as number[], prefix }
}
