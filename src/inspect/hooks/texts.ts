import type { TextPart } from '../../core/text.ts'

/** A stretch of one text, and where it stands in a batch. */
type Segment = { readonly part: number; readonly from: number; readonly at: number; readonly length: number }

/** Texts for an outside service, many short ones together, long ones in pieces that overlap. */
export type Batch = { readonly text: string; readonly segments: readonly Segment[] }

export type Located = { readonly part: number; readonly start: number; readonly end: number }

/** All texts with something in them, in batches of at most `most` UTF-16 units. No surrogate pair is cut. */
export function batchesOf(parts: readonly TextPart[], most: number, overlap: number): Batch[] {
  const batches: Batch[] = []
  let pieces: string[] = []
  let segments: Segment[] = []
  let length = 0
  const close = (): void => {
    if (segments.length > 0) batches.push({ text: pieces.join(BETWEEN), segments })
    pieces = []
    segments = []
    length = 0
  }
  for (const [part, { text }] of parts.entries()) {
    if (!/[^\s\p{P}]/u.test(text)) continue
    for (const { from, to } of stretches(text, most, overlap)) {
      const piece = text.slice(from, to).toWellFormed()
      if (length + piece.length > most) close()
      segments.push({ part, from, at: length, length: piece.length })
      pieces.push(piece)
      length += piece.length + BETWEEN.length
    }
  }
  close()
  return batches
}

/** Where [start, end) of a batch is in the texts: in several, when it goes over from one to the next. */
export function locate({ segments }: Batch, start: number, end: number): Located[] {
  const located: Located[] = []
  for (const { part, from, at, length } of segments) {
    const first = Math.max(start, at)
    const last = Math.min(end, at + length)
    if (first < last) located.push({ part, start: first - at + from, end: last - at + from })
  }
  return located
}

/** From offsets in Unicode code points to offsets in UTF-16 units; undefined for what is beyond the end. */
export function codePointOffsets(text: string): (at: number) => number | undefined {
  const astral: number[] = []
  let points = 0
  for (let i = 0; i < text.length; i++, points++) {
    if (text.codePointAt(i)! > 0xffff) {
      astral.push(points)
      i++
    }
  }
  return (at) => (at > points ? undefined : at + below(astral, at))
}

/** How many of the sorted numbers are below it. */
function below(sorted: readonly number[], limit: number): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (sorted[middle]! < limit) low = middle + 1
    else high = middle
  }
  return low
}

function* stretches(text: string, most: number, overlap: number): Generator<{ from: number; to: number }> {
  for (let from = 0; ;) {
    const to = from + most >= text.length ? text.length : whole(text, from + most)
    yield { from, to }
    if (to === text.length) return
    from = whole(text, to - overlap)
  }
}

/** The place, or the one before, where it is inside a surrogate pair. */
function whole(text: string, at: number): number {
  return text.codePointAt(at - 1)! > 0xffff ? at - 1 : at
}

const BETWEEN = '\n\n'
