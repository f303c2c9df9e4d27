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
 * Further decodings (base64, percent, hex) are to become normal forms of their own beside this one: a rule set looks at every
 * form and carries its matches back.
 */
export function normalForm(text: string): NormalForm | undefined {
  if (!/[^\x00-\x7f]/.test(text)) return undefined
  const pieces: Piece[] = []
  const parts: string[] = []
  let kept = 0
  let length = 0
  const keep = (to: number): void => {
    if (to <= kept) return
    parts.push(text.slice(kept, to))
    pieces.push({ normal: length, original: kept, originalEnd: to, same: true })
    length += to - kept
  }
  for (const found of text.matchAll(foreign)) {
    const { index } = found
    const first = leadingMark.test(text.slice(index, index + 2)) && index > kept ? index - 1 : index
    const run = text.slice(first, index + found[0].length)
    if (run.normalize('NFKC') === run && !invisible.test(run)) continue
    for (const cluster of run.matchAll(clusters)) {
      const normal = cluster[0].replace(everyInvisible, '').normalize('NFKC')
      if (normal === cluster[0]) continue
      const start = first + cluster.index
      keep(start)
      kept = start + cluster[0].length
      if (normal === '') continue
      parts.push(normal)
      pieces.push({ normal: length, original: start, originalEnd: kept, same: false })
      length += normal.length
    }
  }
  if (kept === 0 && parts.length === 0) return undefined
  keep(text.length)
  return { text: parts.join(''), ...wayBack(pieces, text.length) }
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

// Runs are cut so that one is never long. One whose first character is a combining mark takes the ASCII character before it along.
const foreign = /[^\x00-\x7f]{1,1024}/g
const leadingMark = /^\p{M}/u
const clusters = /(?:[\u1100-\u11ff]{1,3}|.)(?:\p{M}|[\u00ad\u180e\u200b-\u200f\u2060-\u2064\ufeff]){0,32}/gsu
const invisible = /[\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]|[\ufe00-\ufe0f]/u
const everyInvisible = new RegExp(invisible, 'gu')
