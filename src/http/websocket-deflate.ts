import { once } from 'node:events'
import { constants, createDeflateRaw, createInflateRaw } from 'node:zlib'
import type { DeflateRaw, InflateRaw } from 'node:zlib'
import type { Window } from './websocket-handshake.ts'

/** Undoes permessage-deflate for one direction, message after message (RFC 7692, 7.2.2). */
export class Inflater {
  #stream: InflateRaw | undefined
  /** What came after a final block in this message. */
  #after: Buffer | undefined
  readonly #window: Window

  constructor(window: Window) {
    this.#window = window
  }

  /** What a part of a message's payload says, piece by piece as it is asked for. Throws NotDeflate. */
  async *part(packed: Buffer, last: boolean): AsyncGenerator<Buffer> {
    const end = last ? packed.length + tail.length : packed.length
    for (let at = 0; at < end; at += sliceBytes) {
      const slice = packed.subarray(at, at + sliceBytes)
      yield await this.#inflated(last && at + sliceBytes >= end ? Buffer.concat([slice, tail]) : slice)
    }
    if (!last) return
    if (this.#after !== undefined && !this.#after.equals(tail) && !this.#after.equals(emptyBlock))
      throw new NotDeflate()
    if (!this.#window.takeover || this.#after !== undefined) this.close()
  }

  close(): void {
    this.#stream?.close()
    this.#stream = undefined
    this.#after = undefined
  }

  async #inflated(bytes: Buffer): Promise<Buffer> {
    if (this.#after !== undefined) return this.#ended(bytes)
    // For a window of 256 bytes zlib compresses as for 512, but looks back 250 at most.
    this.#stream ??= createInflateRaw({ windowBits: Math.max(9, this.#window.bits) }).on('error', () => undefined)
    const stream = this.#stream
    const taken = stream.bytesWritten
    try {
      const out = await pumped(stream, bytes)
      if (stream.readableEnded) this.#ended(bytes.subarray(stream.bytesWritten - taken))
      return out
    } catch (cause) {
      throw new NotDeflate(undefined, { cause })
    }
  }

  /** After a final block (RFC 7692, 7.2.3.4) one reader stops, and another goes on: nothing may follow that says something. */
  #ended(rest: Buffer): Buffer {
    this.#after = Buffer.concat([this.#after ?? none, rest])
    if (this.#after.length > emptyBlock.length) throw new NotDeflate()
    return none
  }
}

/** What was to be decompressed is something else, or breaks off. */
export class NotDeflate extends Error {
  override readonly message = 'the message cannot be decompressed'
}

/** Compresses messages for one direction. */
export class Deflater {
  #stream: DeflateRaw | undefined
  readonly #window: Window

  constructor(window: Window) {
    this.#window = window
  }

  async message(content: Buffer): Promise<Buffer> {
    this.#stream ??= createDeflateRaw({ windowBits: Math.max(9, this.#window.bits) }).on('error', () => undefined)
    const packed = await pumped(this.#stream, content)
    if (!this.#window.takeover) this.close()
    return packed.subarray(0, packed.length - tail.length)
  }

  close(): void {
    this.#stream?.close()
    this.#stream = undefined
  }
}

/** Pushes bytes through a zlib stream and gives what came out of them. */
async function pumped(stream: InflateRaw | DeflateRaw, bytes: Buffer): Promise<Buffer> {
  const out: Buffer[] = []
  const onData = (chunk: Buffer): void => void out.push(chunk)
  stream.on('data', onData)
  const over = new AbortController()
  try {
    const ended = once(stream, 'end', { signal: over.signal })
    ended.catch(() => undefined)
    stream.write(bytes)
    await Promise.race([new Promise<void>((resolve) => stream.flush(constants.Z_SYNC_FLUSH, resolve)), ended])
    // A flush is told to be over before the error that ended it.
    if (stream.errored !== null) throw stream.errored
  } finally {
    over.abort()
    stream.off('data', onData)
  }
  return out.length === 1 ? (out[0] as Buffer) : Buffer.concat(out)
}

const none = Buffer.alloc(0)
const tail = Buffer.from([0, 0, 0xff, 0xff])
const emptyBlock = Buffer.from([0, 0, 0, 0xff, 0xff])
/** A thousand times that may come out of it. */
const sliceBytes = 4_096
