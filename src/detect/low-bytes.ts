/**
 * The lower bytes of the characters of a text, a block at a time: quicker to look at than the characters. Those of ASCII are as they
 * are; others may look like them, so what is found is to be looked at again in the text.
 */
export type LowBytes = {
  /** Has the block so that [at - `reach`, at + `reach`) is in it, as far as the text goes. */
  readonly cover: (at: number) => void
  /** What is in the block: [from, to) of the text, at the beginning of `bytes`. */
  from: number
  to: number
  readonly bytes: Uint8Array
  /** The same memory, two bytes at a time. It is a little longer than the block, and what is in there has no meaning. */
  readonly pairs: Uint16Array
}

export function lowBytesOf(text: string): LowBytes {
  const size = Math.min(block, (text.length + 7) & ~7)
  const memory = Buffer.alloc(size + 16)
  const cover = (at: number): void => {
    if (at >= low.from + Math.min(reach, at) && (at + reach <= low.to || low.to === text.length)) return
    low.from = Math.max(0, (at - reach) & ~3)
    low.to = Math.min(text.length, low.from + size)
    memory.write(low.from === 0 && low.to === text.length ? text : text.slice(low.from, low.to), 'latin1')
  }
  const low: LowBytes = {
    cover,
    from: 0,
    to: 0,
    bytes: new Uint8Array(memory.buffer, memory.byteOffset, size + 16),
    pairs: new Uint16Array(memory.buffer, memory.byteOffset, (size + 16) >> 1),
  }
  return low
}

const reach = 64
const block = 32_768
