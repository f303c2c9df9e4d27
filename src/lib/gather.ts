/** Gathers the bytes of one unit that arrives in pieces: linear in the bytes, however small the pieces are. */
export type Gather = {
  /** Bytes held. */
  readonly size: () => number
  /** Keeps a piece, without copying it when it is large: it must not be written to afterwards. */
  readonly hold: (piece: Uint8Array) => void
  /** All that is held and `last`, put together; nothing is held then. */
  readonly take: (last: Uint8Array) => Uint8Array
}

export function gather(): Gather {
  let pieces: Uint8Array[] = []
  let held = 0
  // Small pieces share a block once there are many, so that a slow drip of bytes costs bytes and not objects.
  let block: Uint8Array | undefined
  let filled = 0
  const flush = (): void => {
    if (block === undefined) return
    pieces.push(block.subarray(0, filled))
    block = undefined
    filled = 0
  }
  return {
    size: () => held,
    hold: (piece) => {
      held += piece.length
      if (pieces.length < fewPieces || piece.length >= blockBytes / 8) {
        flush()
        pieces.push(piece)
        return
      }
      if (block !== undefined && filled + piece.length > blockBytes) flush()
      block ??= new Uint8Array(blockBytes)
      block.set(piece, filled)
      filled += piece.length
    },
    take: (last) => {
      if (held === 0) return last
      flush()
      if (last.length > 0) pieces.push(last)
      const only = pieces.length === 1 ? pieces[0] : undefined
      const bytes = only ?? Buffer.concat(pieces, held + last.length)
      pieces = []
      held = 0
      return bytes
    },
  }
}

const fewPieces = 16
const blockBytes = 65_536
