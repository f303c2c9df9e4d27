/** The head of a WebSocket frame (RFC 6455, 5.2). */
export type FrameHead = {
  readonly fin: boolean
  /** RSV1: the message is compressed (RFC 7692). */
  readonly rsv1: boolean
  readonly opcode: number
  /** The masking key; undefined for a frame that is not masked. */
  readonly key: Buffer | undefined
  /** Of the payload. */
  readonly length: number
  /** The head alone, as it came. */
  readonly bytes: Buffer
}

/** A frame as it stood in the bytes. */
export type Frame = Omit<FrameHead, 'bytes' | 'length' | 'key'> & {
  readonly masked: boolean
  /** Unmasked. */
  readonly payload: Buffer
  /** The whole frame, as it came. */
  readonly raw: Buffer
}

/** A part of a long frame's payload; the head comes with the first. */
export type Piece = {
  readonly head: FrameHead
  /** Where in the payload it stands. */
  readonly offset: number
  /** As it came: masked if the frame is. */
  readonly bytes: Buffer
  readonly last: boolean
}

export type HeadRead =
  /** `needed` bytes are the least with which more can be said: the whole frame as soon as its length is known. */
  | { readonly kind: 'more'; readonly needed: number }
  /** Breaks RFC 6455 (close 1002). */
  | { readonly kind: 'invalid'; readonly reason: string }
  | { readonly kind: 'head'; readonly head: FrameHead }

export type FrameRead =
  | Exclude<HeadRead, { kind: 'head' }>
  | { readonly kind: 'frame'; readonly frame: Frame }
  /** The payload is longer than the limit. */
  | { readonly kind: 'long'; readonly head: FrameHead }

export const opcodes = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const

/** The frame head that the bytes begin with. */
export function readHead(bytes: Buffer): HeadRead {
  if (bytes.length < 2) return { kind: 'more', needed: 2 }
  const [first, second] = [bytes[0] as number, bytes[1] as number]
  const opcode = first & 0x0f
  const fin = (first & 0x80) !== 0
  if ((first & 0x30) !== 0) return { kind: 'invalid', reason: 'reserved bits are set' }
  if (opcode > 10 || (opcode > 2 && opcode < 8)) return { kind: 'invalid', reason: 'reserved opcode' }
  const short = second & 0x7f
  if (opcode >= 8 && (!fin || short > 125)) return { kind: 'invalid', reason: 'a control frame is long or fragmented' }
  const extended = short === 126 ? 2 : short === 127 ? 8 : 0
  const masked = (second & 0x80) !== 0
  const size = 2 + extended + (masked ? 4 : 0)
  if (bytes.length < size) return { kind: 'more', needed: size }
  const length = extended === 0 ? short : extended === 2 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2))
  if (length > Number.MAX_SAFE_INTEGER) return { kind: 'invalid', reason: 'no frame is that long' }
  const key = masked ? bytes.subarray(size - 4, size) : undefined
  return {
    kind: 'head',
    head: { fin, rsv1: (first & 0x40) !== 0, opcode, key, length, bytes: bytes.subarray(0, size) },
  }
}

/** The frame that the bytes begin with. `limit` bounds the payload of one that is given whole. */
export function readFrame(bytes: Buffer, limit: number): FrameRead {
  const read = readHead(bytes)
  if (read.kind !== 'head') return read
  const { fin, rsv1, opcode, key, length, bytes: start } = read.head
  if (length > limit && opcode < 8) return { kind: 'long', head: read.head }
  const size = start.length + length
  if (bytes.length < size) return { kind: 'more', needed: size }
  const raw = bytes.subarray(0, size)
  const body = bytes.subarray(start.length, size)
  const payload = key === undefined ? body : mask(body, key)
  return { kind: 'frame', frame: { fin, rsv1, opcode, masked: key !== undefined, payload, raw } }
}

/** Frames out of chunks. What waits for its rest is copied a bounded number of times, however many chunks it comes in. */
export class FrameReader {
  /** Bounds the payload of a data frame that is given whole; a longer one is given in pieces. */
  limit: number
  #room: Buffer = none
  #start = 0
  #end = 0
  #needed = 0
  #long: FrameHead | undefined
  #offset = 0

  constructor(limit: number) {
    this.limit = limit
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

  /** After `long`, the frame's payload comes by `piece`, and what follows by `next` again. */
  next(): FrameRead {
    const held = this.#end - this.#start
    if (held < this.#needed) return { kind: 'more', needed: this.#needed }
    const read = readFrame(this.#room.subarray(this.#start, this.#end), this.limit)
    this.#needed = read.kind === 'more' ? read.needed : 0
    if (read.kind === 'frame') this.#take(read.frame.raw.length)
    if (read.kind === 'long') {
      this.#take(read.head.bytes.length)
      this.#long = { ...read.head, key: read.head.key && Buffer.from(read.head.key) }
      this.#offset = 0
    }
    return read
  }

  /** What has come of a long frame; undefined when nothing has, or none is under way. */
  piece(): Piece | undefined {
    const head = this.#long
    const held = this.#end - this.#start
    if (head === undefined || held === 0) return undefined
    const offset = this.#offset
    const bytes = this.#room.subarray(this.#start, this.#start + Math.min(held, head.length - offset))
    this.#take(bytes.length)
    this.#offset += bytes.length
    const last = this.#offset === head.length
    if (last) this.#long = undefined
    return { head, offset, bytes, last }
  }

  /** Bytes that wait for the rest of their frame. */
  get held(): number {
    return this.#end - this.#start
  }

  get inLong(): boolean {
    return this.#long !== undefined
  }

  #take(bytes: number): void {
    this.#start += bytes
    if (this.#start === this.#end) this.#room = none
  }
}

export type HowWritten = {
  /** A client's frames are masked. */
  readonly key?: Uint8Array
  readonly rsv1?: boolean
  /** Default true. */
  readonly fin?: boolean
}

/** One whole frame with the payload. */
export function writeFrame(opcode: number, payload: Uint8Array, how: HowWritten): Buffer {
  const extended = payload.length < 126 ? 0 : payload.length < 65_536 ? 2 : 8
  const head = Buffer.alloc(2 + extended + (how.key === undefined ? 0 : 4))
  head[0] = (how.fin === false ? 0 : 0x80) | (how.rsv1 === true ? 0x40 : 0) | opcode
  head[1] = (how.key === undefined ? 0 : 0x80) | (extended === 0 ? payload.length : extended === 2 ? 126 : 127)
  if (extended === 2) head.writeUInt16BE(payload.length, 2)
  if (extended === 8) head.writeBigUInt64BE(BigInt(payload.length), 2)
  if (how.key === undefined) return Buffer.concat([head, payload])
  head.set(how.key, head.length - 4)
  return Buffer.concat([head, mask(payload, how.key)])
}

/** Masks, or unmasks, what stands at `offset` of a payload (RFC 6455, 5.3). */
export function mask(bytes: Uint8Array, key: Uint8Array, offset = 0): Buffer {
  const out = Buffer.allocUnsafe(bytes.length)
  for (let i = 0; i < bytes.length; i += 1) out[i] = (bytes[i] as number) ^ (key[(i + offset) & 3] as number)
  return out
}

/** The largest payload of a control frame, in bytes. */
export const longestControl = 125
const none = Buffer.alloc(0)
