import { SHIFT } from './automaton.ts'
import type { Automaton } from './automaton.ts'

/** Where words of an automaton end in a piece of text: a place to note it, used again and again. */
export type Notes = {
  /** Index of the last character and state by turns. */
  readonly ends: Int32Array
  /** How much of `ends` counts. */
  length: number
  /** Whose they are, if they are all of a text: whoever comes back to them must see whether somebody else was here. */
  of: unknown
  /** For the second, third and fourth quarter of a piece. */
  readonly later: readonly Int32Array[]
  /** The piece's UTF-16 code units, and the same memory as bytes. */
  readonly units: Uint16Array
  readonly bytes: Buffer
}

/** So many characters at a time at most: what is noted of them stays small, whatever they are. */
export const PIECE = 4_096

export function newNotes(): Notes {
  const units = new Uint16Array(PIECE)
  return {
    ends: new Int32Array(2 * PIECE),
    length: 0,
    of: undefined,
    later: [1, 2, 3].map(() => new Int32Array(PIECE / 2 + 8)),
    units,
    bytes: Buffer.from(units.buffer),
  }
}

/** Notes where words end in [from, to), `PIECE` characters at most. Takes the state at `from` and gives that at `to`. */
export function wordEnds(
  automaton: Automaton,
  text: string,
  from: number,
  to: number,
  state: number,
  notes: Notes,
): number {
  if (to - from >= worthwhile && automaton.longest <= worthwhile / 8)
    return inQuarters(automaton, text, from, to, state, notes)
  const { next, columns, accepting } = automaton
  const { ends } = notes
  let count = 0
  for (let i = from; i < to; i++) {
    state = next[(state << SHIFT) + (columns[text.charCodeAt(i)] as number)] as number
    if (state >= accepting) {
      ends[count++] = i
      ends[count++] = state
    }
  }
  notes.length = count
  return state
}

/** All four quarters at once, since each step only waits for memory. They begin so early that they are in step when they count. */
function inQuarters(automaton: Automaton, text: string, from: number, to: number, state: number, notes: Notes): number {
  const { next, columns, accepting } = automaton
  const { ends, units, bytes } = notes
  const [b, c, d] = notes.later as [Int32Array, Int32Array, Int32Array]
  bytes.write(from === 0 && to === text.length ? text : text.slice(from, to), 'utf16le')
  const quarter = (to - from) >> 2
  let first = state
  let second = stateBefore(automaton, units, quarter)
  let third = stateBefore(automaton, units, 2 * quarter)
  let fourth = stateBefore(automaton, units, 3 * quarter)
  let [inA, inB, inC, inD] = [0, 0, 0, 0]
  for (let i = 0; i < quarter; i++) {
    first = next[(first << SHIFT) + (columns[units[i] as number] as number)] as number
    second = next[(second << SHIFT) + (columns[units[i + quarter] as number] as number)] as number
    third = next[(third << SHIFT) + (columns[units[i + 2 * quarter] as number] as number)] as number
    fourth = next[(fourth << SHIFT) + (columns[units[i + 3 * quarter] as number] as number)] as number
    if (first >= accepting) {
      ends[inA++] = from + i
      ends[inA++] = first
    }
    if (second >= accepting) {
      b[inB++] = from + i + quarter
      b[inB++] = second
    }
    if (third >= accepting) {
      c[inC++] = from + i + 2 * quarter
      c[inC++] = third
    }
    if (fourth >= accepting) {
      d[inD++] = from + i + 3 * quarter
      d[inD++] = fourth
    }
  }
  for (let i = 4 * quarter; i < to - from; i++) {
    fourth = next[(fourth << SHIFT) + (columns[units[i] as number] as number)] as number
    if (fourth >= accepting) {
      d[inD++] = from + i
      d[inD++] = fourth
    }
  }
  ends.set(b.subarray(0, inB), inA)
  ends.set(c.subarray(0, inC), inA + inB)
  ends.set(d.subarray(0, inD), inA + inB + inC)
  notes.length = inA + inB + inC + inD
  return fourth
}

function stateBefore({ next, columns, longest }: Automaton, units: Uint16Array, at: number): number {
  let state = 0
  for (let i = at - longest; i < at; i++)
    state = next[(state << SHIFT) + (columns[units[i] as number] as number)] as number
  return state
}

const worthwhile = 512
