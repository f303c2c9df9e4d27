import type { Automaton } from './automaton.ts'

/** Where words of an automaton end in a piece of text: a place to note it, used again and again. */
export type Notes = {
  /** Index of the last character and state by turns. */
  readonly ends: Int32Array
  /** How much of `ends` counts. */
  length: number
  /** Whose they are, if they are all of a text: whoever comes back to them must see whether somebody else was here. */
  of: unknown
  readonly later: Int32Array
  readonly bytes: Buffer
}

/** So many characters at a time at most: what is noted of them stays small, whatever they are. */
export const PIECE = 4_096

export function newNotes(): Notes {
  return {
    ends: new Int32Array(2 * PIECE),
    length: 0,
    of: undefined,
    later: new Int32Array(PIECE),
    bytes: Buffer.alloc(PIECE),
  }
}

/** Notes where words end in [from, to), `PIECE` characters at most. Takes the state at `from` and gives that at `to`. */
export function wordEnds(
  { next, columns, accepting }: Automaton,
  text: string,
  from: number,
  to: number,
  state: number,
  notes: Notes,
): number {
  const { ends } = notes
  let count = 0
  let i = from
  // Two at a time: too long for a compiler to put into each caller half optimised, where it would stay so.
  for (const last = to - 1; i < last; i += 2) {
    const first = next[(state << 4) + (columns[text.charCodeAt(i)] as number)] as number
    state = next[(first << 4) + (columns[text.charCodeAt(i + 1)] as number)] as number
    if (first >= accepting) {
      ends[count++] = i
      ends[count++] = first
    }
    if (state >= accepting) {
      ends[count++] = i + 1
      ends[count++] = state
    }
  }
  if (i < to) {
    state = next[(state << 4) + (columns[text.charCodeAt(i)] as number)] as number
    if (state >= accepting) {
      ends[count++] = i
      ends[count++] = state
    }
  }
  notes.length = count
  return state
}

/**
 * The same for text that is ASCII: both halves at once, since each step only waits for memory. The second begins so early that it
 * is in step when it counts.
 */
export function asciiWordEnds(
  automaton: Automaton,
  text: string,
  from: number,
  to: number,
  state: number,
  notes: Notes,
): number {
  if (to - from < worthwhile || automaton.longest > worthwhile / 4) {
    return wordEnds(automaton, text, from, to, state, notes)
  }
  const { next, columns, accepting } = automaton
  const { ends, later, bytes } = notes
  bytes.write(from === 0 && to === text.length ? text : text.slice(from, to), 'latin1')
  const half = (to - from) >> 1
  let second = 0
  for (let i = half - automaton.longest; i < half; i++) {
    second = next[(second << 4) + (columns[bytes[i] as number] as number)] as number
  }
  let count = 0
  let more = 0
  for (let i = 0, j = half; i < half; i++, j++) {
    state = next[(state << 4) + (columns[bytes[i] as number] as number)] as number
    second = next[(second << 4) + (columns[bytes[j] as number] as number)] as number
    if (state >= accepting) {
      ends[count++] = from + i
      ends[count++] = state
    }
    if (second >= accepting) {
      later[more++] = from + j
      later[more++] = second
    }
  }
  ends.set(more === later.length ? later : later.subarray(0, more), count)
  count += more
  if (half * 2 < to - from) {
    second = next[(second << 4) + (columns[bytes[half * 2] as number] as number)] as number
    if (second >= accepting) {
      ends[count++] = to - 1
      ends[count++] = second
    }
  }
  notes.length = count
  return second
}

const worthwhile = 256
