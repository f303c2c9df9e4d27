/** A WebSocket frame (RFC 6455, 5.2) as it stood in the bytes. */
export type Frame = {
  readonly fin: boolean
  /** RSV1: the message is compressed (RFC 7692). */
  readonly rsv1: boolean
  readonly opcode: number
  readonly masked: boolean
  /** Unmasked. */
  readonly payload: Buffer
  /** The whole frame, as it came. */
  readonly raw: Buffer
}

export type FrameRead =
  /** `needed` bytes are the least with which more can be said: the whole frame as soon as its length is known. */
  | { readonly kind: 'more'; readonly needed: number }
  | { readonly kind: 'frame'; readonly frame: Frame }
  | { readonly kind: 'invalid'; readonly reason: string; readonly close: number }

export const opcodes = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const

/** The frame that the bytes begin with. `limit` bounds its payload. */
export function readFrame(bytes: Buffer, limit: number): FrameRead {
  if (bytes.length < 2) return { kind: 'more', needed: 2 }
  const [first, second] = [bytes[0] as number, bytes[1] as number]
  const opcode = first & 0x0f
  const fin = (first & 0x80) !== 0
  if ((first & 0x30) !== 0) return { kind: 'invalid', reason: 'reserved bits are set', close: 1002 }
  if (opcode > 10 || (opcode > 2 && opcode < 8)) return { kind: 'invalid', reason: 'reserved opcode', close: 1002 }
  const short = second & 0x7f
  if (opcode >= 8 && (!fin || short > 125))
    return { kind: 'invalid', reason: 'a control frame is long or fragmented', close: 1002 }
  const extended = short === 126 ? 2 : short === 127 ? 8 : 0
  const masked = (second & 0x80) !== 0
  const head = 2 + extended + (masked ? 4 : 0)
  if (bytes.length < head) return { kind: 'more', needed: head }
  const length = extended === 0 ? short : extended === 2 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2))
  if (length > limit) return { kind: 'invalid', reason: 'the frame is too large', close: 1009 }
  if (bytes.length < head + length) return { kind: 'more', needed: head + length }
  const body = bytes.subarray(head, head + length)
  const payload = masked ? mask(body, bytes.subarray(head - 4, head)) : body
  return {
    kind: 'frame',
    frame: { fin, rsv1: (first & 0x40) !== 0, opcode, masked, payload, raw: bytes.subarray(0, head + length) },
  }
}

/** Frames out of chunks. What waits for its rest is copied a bounded number of times, however many chunks it comes in. */
export class FrameReader {
  #room: Buffer = none
  #start = 0
  #end = 0
  #needed = 0
  readonly #limit: number

  /** `limit` bounds a frame's payload. */
  constructor(limit: number) {
    this.#limit = limit
  }

  push(chunk: Buffer): void {
    const held = this.#end - this.#start
    if (held === 0) {
      this.#room = chunk
      this.#start = 0
      this.#end = chunk.length
      return
    }
    // Frames given out stay where they are: only what is behind them is written to.
    if (this.#end + chunk.length > this.#room.length) {
      const size = held + chunk.length
      const room = Buffer.allocUnsafe(Math.max(size, Math.min(this.#needed, 2 * size)))
      this.#room.copy(room, 0, this.#start, this.#end)
      this.#room = room
      this.#start = 0
      this.#end = held
    }
    chunk.copy(this.#room, this.#end)
    this.#end += chunk.length
  }

  next(): FrameRead {
    const held = this.#end - this.#start
    if (held < this.#needed) return { kind: 'more', needed: this.#needed }
    const read = readFrame(this.#room.subarray(this.#start, this.#end), this.#limit)
    this.#needed = read.kind === 'more' ? read.needed : 0
    if (read.kind === 'frame') this.#start += read.frame.raw.length
    if (this.#start === this.#end) this.#room = none
    return read
  }
}

/** One whole frame with the payload. A client's frames are masked with `key`. */
export function writeFrame(
  opcode: number,
  payload: Uint8Array,
  how: { readonly key?: Uint8Array; readonly rsv1?: boolean },
): Buffer {
  const extended = payload.length < 126 ? 0 : payload.length < 65_536 ? 2 : 8
  const head = Buffer.alloc(2 + extended + (how.key === undefined ? 0 : 4))
  head[0] = 0x80 | (how.rsv1 === true ? 0x40 : 0) | opcode
  head[1] = (how.key === undefined ? 0 : 0x80) | (extended === 0 ? payload.length : extended === 2 ? 126 : 127)
  if (extended === 2) head.writeUInt16BE(payload.length, 2)
  if (extended === 8) head.writeBigUInt64BE(BigInt(payload.length), 2)
  if (how.key === undefined) return Buffer.concat([head, payload])
  head.set(how.key, head.length - 4)
  return Buffer.concat([head, mask(payload, how.key)])
}

/** A Close frame's payload (RFC 6455, 5.5.1). */
export function closePayload(code: number, reason: string): Buffer {
  const text = Buffer.from(reason).subarray(0, 123)
  const payload = Buffer.alloc(2 + text.length)
  payload.writeUInt16BE(code, 0)
  text.copy(payload, 2)
  return payload
}

function mask(bytes: Uint8Array, key: Uint8Array): Buffer {
  const out = Buffer.allocUnsafe(bytes.length)
  for (let i = 0; i < bytes.length; i += 1) out[i] = (bytes[i] as number) ^ (key[i & 3] as number)
  return out
}

const none = Buffer.alloc(0)
