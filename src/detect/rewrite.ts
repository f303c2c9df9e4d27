/** A text as rules see it, with the way back: places in the normal form → places in the original. */
export type NormalForm = {
  readonly text: string
  /** The original index of the character at `index` (of the sequence it came from). */
  readonly startOf: (index: number) => number
  /** The original index behind the last character before `index`. */
  readonly endOf: (index: number) => number
}

/** What stands in [start, end) reads as `text`. */
export type Change = { readonly start: number; readonly end: number; readonly text: string }

/** [from, to) of a text with changes, which are in order and within. */
export function rewritten(text: string, from: number, to: number, changes: readonly Change[]): NormalForm {
  const parts: string[] = []
  const pieces: Piece[] = []
  let kept = from
  let length = 0
  const keep = (until: number): void => {
    if (until <= kept) return
    parts.push(text.slice(kept, until))
    pieces.push({ normal: length, original: kept, originalEnd: until, same: true })
    length += until - kept
  }
  for (const { start, end, text: normal } of changes) {
    keep(start)
    kept = end
    if (normal === '') continue
    parts.push(normal)
    pieces.push({ normal: length, original: start, originalEnd: end, same: false })
    length += normal.length
  }
  keep(to)
  return { text: parts.join(''), ...wayBack(pieces, to) }
}

/** A stretch of the normal form, in order: `same` as in the original, or come from all of it. */
export type Piece = {
  readonly normal: number
  readonly original: number
  readonly originalEnd: number
  readonly same: boolean
}

export function wayBack(pieces: readonly Piece[], end: number): Pick<NormalForm, 'startOf' | 'endOf'> {
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
