import { isUtf8 } from 'node:buffer'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { Duplex } from 'node:stream'
import { constants, createDeflateRaw, createInflateRaw } from 'node:zlib'
import type { DeflateRaw, InflateRaw } from 'node:zlib'
import type { RawHeaders } from '../core/http.ts'
import { drained } from './body.ts'
import { valuesOf } from './headers.ts'
import { closePayload, FrameReader, opcodes, writeFrame } from './websocket-frame.ts'
import type { Frame } from './websocket-frame.ts'

/** What to do with a message: pass it as it came, send this text in its place, or end the conversation (close 1008). */
export type MessageVerdict =
  | { readonly kind: 'pass' }
  | { readonly kind: 'replace'; readonly text: string }
  | { readonly kind: 'close'; readonly reason: string }

export type MessageWay = 'up' | 'down'

/** `text` is undefined for a binary message that is not text; `bytes` counts the content, decompressed. */
export type Judge = (
  way: MessageWay,
  message: { readonly text: string | undefined; readonly bytes: number },
) => Promise<MessageVerdict>

/**
 * Relays a WebSocket both ways, message by message: frames of a message wait until it is judged and then pass as they came; control
 * frames pass at once (RFC 6455, 5.4). Resolves when both sides have closed.
 */
export async function relayMessages(
  client: Duplex,
  origin: Duplex,
  judge: Judge,
  options: { readonly extensions: RawHeaders; readonly limit: number },
): Promise<void> {
  const compression = negotiated(options.extensions)
  const stop = (code: number, reason: string): void => {
    client.end(writeFrame(opcodes.close, closePayload(code, reason), {}))
    // Why policy ended it is not the origin's business.
    const told = code === byPolicy ? 1001 : code
    origin.end(writeFrame(opcodes.close, closePayload(told, ''), { key: randomBytes(4) }))
    // What still comes is read and thrown away: unread bytes would turn the close into a reset, and the reason would be lost.
    for (const side of [client, origin]) {
      side.resume()
      setTimeout(() => side.destroy(), closingMs).unref()
    }
  }
  const way = (from: Duplex, to: Duplex, name: MessageWay): Promise<void> => {
    const flow = new Flow(to, name, judge, stop, options.limit, compression?.[name])
    return flow.run(from).catch(() => void to.destroy())
  }
  client.on('error', () => origin.destroy()).on('close', () => origin.destroy())
  origin.on('error', () => client.destroy()).on('close', () => client.end())
  await Promise.all([way(client, origin, 'up'), way(origin, client, 'down')])
}

type Stop = (code: number, reason: string) => void

type Window = { readonly bits: number; readonly takeover: boolean }

/** One direction. */
class Flow {
  #message: Frame[] = []
  #size = 0
  #inflate: InflateRaw | undefined
  #deflate: DeflateRaw | undefined
  #stopped = false
  readonly #reader: FrameReader
  readonly #to: Duplex
  readonly #way: MessageWay
  readonly #judge: Judge
  readonly #stop: Stop
  readonly #limit: number
  readonly #window: Window | undefined

  constructor(to: Duplex, way: MessageWay, judge: Judge, stop: Stop, limit: number, window: Window | undefined) {
    this.#reader = new FrameReader(limit)
    this.#to = to
    this.#way = way
    this.#judge = judge
    this.#stop = stop
    this.#limit = limit
    this.#window = window
  }

  async run(from: Duplex): Promise<void> {
    try {
      for await (const chunk of (from as Duplex).iterator({ destroyOnReturn: false })) {
        if (!(await this.#take(chunk as Buffer))) return
      }
      this.#to.end()
    } finally {
      this.#inflate?.close()
      this.#deflate?.close()
    }
  }

  async #take(chunk: Buffer): Promise<boolean> {
    this.#reader.push(chunk)
    for (;;) {
      const read = this.#reader.next()
      if (read.kind === 'more') return true
      if (read.kind === 'invalid') return this.#end(read.close, read.reason)
      const misplaced = this.#misplaced(read.frame)
      if (misplaced !== undefined) return this.#end(1002, misplaced)
      if (read.frame.opcode >= 8) await this.#send(read.frame.raw)
      else if (!(await this.#gather(read.frame))) return false
    }
  }

  /** What is wrong with a frame in its place (RFC 6455, 5.4; RFC 7692, 6). */
  #misplaced({ opcode, rsv1 }: Frame): string | undefined {
    const begins = opcode === opcodes.text || opcode === opcodes.binary
    if (rsv1 && (!begins || this.#window === undefined)) return 'a reserved bit is set'
    const open = this.#message.length > 0
    if (begins && open) return 'a message begins inside another'
    return opcode === opcodes.continuation && !open ? 'nothing to continue' : undefined
  }

  async #gather(frame: Frame): Promise<boolean> {
    this.#size += frame.raw.length
    if (this.#size > this.#limit || this.#message.length === maxFrames)
      return this.#end(1009, 'the message is too large')
    const whole = frame.fin && this.#message.length === 0
    this.#message.push(whole ? frame : owned(frame))
    if (!frame.fin) return true
    const frames = this.#message
    this.#message = []
    this.#size = 0
    return this.#deliver(frames)
  }

  async #deliver(frames: readonly Frame[]): Promise<boolean> {
    const [first] = frames as [Frame, ...Frame[]]
    const packed = frames.length === 1 ? first.payload : Buffer.concat(frames.map(({ payload }) => payload))
    const content = first.rsv1 ? await this.#inflated(packed) : packed
    if (content === undefined) return this.#end(1007, 'the message cannot be decompressed')
    const utf8 = isUtf8(content)
    if (first.opcode === opcodes.text && !utf8) return this.#end(1007, 'the text is not UTF-8')
    const readable = first.opcode === opcodes.text || (utf8 && !content.includes(0))
    const text = readable ? content.toString('utf8') : undefined
    const verdict = await this.#judge(this.#way, { text, bytes: content.length })
    if (verdict.kind === 'close') return this.#end(byPolicy, verdict.reason)
    if (verdict.kind === 'pass' && !(first.rsv1 && this.#deflate !== undefined)) {
      await this.#send(frames.length === 1 ? first.raw : Buffer.concat(frames.map(({ raw }) => raw)))
      return true
    }
    await this.#resend(first, verdict.kind === 'replace' ? Buffer.from(verdict.text) : content)
    return true
  }

  // From the first changed message on the receiver's window no longer matches the sender's: all that follows is compressed anew.
  async #resend(first: Frame, content: Buffer): Promise<void> {
    const key = this.#way === 'up' ? { key: randomBytes(4) } : {}
    if (this.#window === undefined || (!first.rsv1 && this.#deflate === undefined))
      return this.#send(writeFrame(first.opcode, content, key))
    this.#deflate ??= createDeflateRaw({ windowBits: Math.max(9, this.#window.bits) })
    const packed = await pumped(this.#deflate, content, constants.Z_SYNC_FLUSH)
    if (!this.#window.takeover) this.#deflate.reset()
    return this.#send(writeFrame(first.opcode, packed.subarray(0, packed.length - 4), { ...key, rsv1: true }))
  }

  async #inflated(packed: Buffer): Promise<Buffer | undefined> {
    if (this.#window === undefined) return undefined
    this.#inflate ??= createInflateRaw({ windowBits: this.#window.bits })
    try {
      return await pumped(this.#inflate, Buffer.concat([packed, tail]), constants.Z_SYNC_FLUSH, this.#limit)
    } catch {
      return undefined
    } finally {
      if (!this.#window.takeover) {
        this.#inflate.close()
        this.#inflate = undefined
      }
    }
  }

  async #send(bytes: Buffer): Promise<void> {
    if (!this.#stopped && !this.#to.write(bytes)) await drained(this.#to)
  }

  #end(code: number, reason: string): boolean {
    this.#stopped = true
    this.#stop(code, reason)
    return false
  }
}

/** The frame by itself: as it came it holds on to the chunk it came in. */
function owned(frame: Frame): Frame {
  const raw = Buffer.from(frame.raw)
  return { ...frame, raw, payload: frame.masked ? frame.payload : raw.subarray(raw.length - frame.payload.length) }
}

/** Pushes bytes through a zlib stream and gives what came out of them. */
async function pumped(
  stream: InflateRaw | DeflateRaw,
  bytes: Buffer,
  flush: number,
  limit = Number.POSITIVE_INFINITY,
): Promise<Buffer> {
  const out: Buffer[] = []
  let size = 0
  const onData = (chunk: Buffer): void => {
    out.push(chunk)
    size += chunk.length
    if (size > limit) stream.destroy(new Error('too much'))
  }
  stream.on('data', onData)
  const failed = new AbortController()
  try {
    const broken = once(stream, 'error', { signal: failed.signal }).then(([error]) => {
      throw error as Error
    })
    broken.catch(() => undefined)
    stream.write(bytes)
    await Promise.race([new Promise<void>((resolve) => stream.flush(flush, resolve)), broken])
    // A flush is told to be over before the error that ended it.
    if (stream.errored !== null) throw stream.errored
  } finally {
    failed.abort()
    stream.off('data', onData)
  }
  return Buffer.concat(out, size)
}

/** What permessage-deflate was agreed on (RFC 7692, 7.1), by direction; undefined when none was. */
export function negotiated(headers: RawHeaders): { readonly up: Window; readonly down: Window } | undefined {
  const value = valuesOf(headers, 'sec-websocket-extensions').join(',')
  if (!/(^|,)\s*permessage-deflate\b/i.test(value)) return undefined
  const bits = (side: string): number =>
    Number(new RegExp(`${side}_max_window_bits\\s*=\\s*"?(\\d+)`, 'i').exec(value)?.[1] ?? 15)
  const takeover = (side: string): boolean => !new RegExp(`${side}_no_context_takeover`, 'i').test(value)
  return {
    up: { bits: bits('client'), takeover: takeover('client') },
    down: { bits: bits('server'), takeover: takeover('server') },
  }
}

const tail = Buffer.from([0, 0, 0xff, 0xff])
const byPolicy = 1008
/** Of one message. */
const maxFrames = 4_096
const closingMs = 2_000
