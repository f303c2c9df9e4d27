import { isUtf8 } from 'node:buffer'
import { randomBytes } from 'node:crypto'
import type { Duplex } from 'node:stream'
import { drained } from './body.ts'
import { readClose } from './websocket-close.ts'
import { Deflater, Inflater, NotDeflate } from './websocket-deflate.ts'
import { closePayload, FrameReader, longestControl, mask, opcodes, writeFrame } from './websocket-frame.ts'
import type { Frame, Piece } from './websocket-frame.ts'
import type { Window } from './websocket-handshake.ts'

/** What to do with a message: pass it as it came, send this text in its place, or end the conversation (close 1008). */
export type MessageVerdict =
  | { readonly kind: 'pass' }
  | { readonly kind: 'replace'; readonly text: string }
  | { readonly kind: 'close'; readonly reason: string }

export type MessageWay = 'up' | 'down'

export type JudgedMessage = {
  /** Undefined when it is not text. */
  readonly text: string | undefined
  /** Of the content, decompressed. */
  readonly bytes: number
  /** The payload of a ping or pong, or the reason of a close. */
  readonly control: boolean
}

export type Judge = (way: MessageWay, message: JudgedMessage) => Promise<MessageVerdict>

/** Memory that is shared: `take` gives false when there is not enough. */
export type Room = { readonly take: (bytes: number) => boolean; readonly give: (bytes: number) => void }

/** What one direction of a conversation works with. */
export type FlowTerms = {
  readonly way: MessageWay
  readonly to: Duplex
  readonly judge: Judge
  /** Ends the conversation: a Close to both sides. */
  readonly stop: (code: number, reason: string) => void
  readonly stopped: () => boolean
  /** Something came. */
  readonly heard: () => void
  /** A Close has been passed on. */
  readonly closed: (code: number | undefined) => void
  /** Of one message. */
  readonly limit: number
  /** Told how many bytes of a message over the limit pass unread; undefined when such a message ends the conversation. */
  readonly unread: ((bytes: number) => void) | undefined
  /** What messages in memory are counted against; where there is no room, the conversation ends with 1013. */
  readonly room: Room
  /** How it is compressed; undefined when it is not. */
  readonly window: Window | undefined
}

/** One direction of a WebSocket: whole messages are judged and pass as they came, or changed; control frames do not wait for messages. */
export class Flow {
  /** A Close has passed: nothing may follow it (RFC 6455, 5.5.1). */
  closed = false
  /** A frame of which a part has been passed on is open. */
  midFrame = false
  /** The first frame of a message that is not complete. */
  #open: First | undefined
  #raw = new Gathered()
  #content = new Gathered()
  #passing: 'as it came' | 'decompressed' | undefined
  #begun = false
  #counted = 0
  #inflater: Inflater | undefined
  #deflater: Deflater | undefined
  readonly #reader: FrameReader
  readonly #terms: FlowTerms

  constructor(terms: FlowTerms) {
    this.#terms = terms
    this.#reader = new FrameReader(terms.limit)
  }

  /** Resolves when `from` has ended; rejects when either side breaks. */
  async run(from: Duplex): Promise<void> {
    try {
      for await (const chunk of from.iterator({ destroyOnReturn: false })) {
        this.#terms.heard()
        // What comes after the end is read, and thrown away.
        if (this.#over) continue
        await this.#take(chunk as Buffer)
        this.#count(this.#reader.held + 2 * this.#raw.size)
      }
    } finally {
      this.#count(0)
      this.#inflater?.close()
      this.#deflater?.close()
    }
  }

  /** Counts what is held between chunks; a little is not worth the trouble. */
  #count(held: number): void {
    const counted = held > uncounted ? held : 0
    if (counted > this.#counted && !this.#terms.room.take(counted - this.#counted))
      return this.#terms.stop(1013, noRoom)
    if (counted < this.#counted) this.#terms.room.give(this.#counted - counted)
    this.#counted = counted
  }

  get #over(): boolean {
    return this.closed || this.#terms.stopped()
  }

  async #take(chunk: Buffer): Promise<void> {
    const reader = this.#reader
    reader.push(chunk)
    while (!this.#over) {
      const piece = reader.piece()
      if (piece !== undefined) {
        await this.#passPiece(piece)
        continue
      }
      if (reader.inLong) return
      const read = reader.next()
      if (read.kind === 'more') return
      if (read.kind === 'invalid') return this.#terms.stop(read.close, read.reason)
      const { rsv1, opcode } = read.kind === 'long' ? read.head : read.frame
      const masked = read.kind === 'long' ? read.head.key !== undefined : read.frame.masked
      const wrong = this.#misplaced(opcode, rsv1, masked)
      if (wrong !== undefined) return this.#terms.stop(1002, wrong)
      if (read.kind === 'frame' && opcode >= opcodes.close) await this.#control(read.frame)
      else if (read.kind === 'frame') await this.#data(read.frame)
      else if (await this.#overLimit({ opcode, rsv1 })) await this.#pass(read.head.bytes, none, false)
      this.midFrame = reader.inLong && this.#passing === 'as it came'
    }
  }

  /** What is wrong with a frame in its place (RFC 6455, 5.1 and 5.4; RFC 7692, 6). */
  #misplaced(opcode: number, rsv1: boolean, masked: boolean): string | undefined {
    if (masked !== (this.#terms.way === 'up'))
      return masked ? 'a frame of a server is masked' : 'a frame of a client is not masked'
    const begins = opcode === opcodes.text || opcode === opcodes.binary
    if (rsv1 && (!begins || this.#terms.window === undefined)) return 'a reserved bit is set'
    const open = this.#open !== undefined
    if (begins && open) return 'a message begins inside another'
    return opcode === opcodes.continuation && !open ? 'nothing to continue' : undefined
  }

  async #control(frame: Frame): Promise<void> {
    if (frame.opcode === opcodes.close) return this.#close(frame)
    if (frame.payload.length === 0) return this.#send(frame.raw)
    const verdict = await this.#judgeControl(frame.payload)
    if (verdict.kind === 'pass') return this.#send(frame.raw)
    if (verdict.kind === 'replace')
      return this.#send(writeFrame(frame.opcode, Buffer.from(verdict.text), this.#masking))
  }

  async #close(frame: Frame): Promise<void> {
    const read = readClose(frame.payload)
    if (read.kind === 'invalid') return this.#terms.stop(read.close, read.reason)
    const verdict = read.reason === '' ? passes : await this.#judgeControl(frame.payload.subarray(2))
    if (verdict.kind === 'close') return
    const said = verdict.kind === 'pass' ? frame.raw : this.#closeFrame(read.code ?? 1000, verdict.text)
    await this.#send(said)
    this.closed = true
    this.#terms.closed(read.code)
  }

  #closeFrame(code: number, reason: string): Buffer {
    return writeFrame(opcodes.close, closePayload(code, reason), this.#masking)
  }

  /** A verdict of `close` has been carried out. */
  async #judgeControl(payload: Buffer): Promise<MessageVerdict> {
    const { way, judge, stop } = this.#terms
    const text = isUtf8(payload) ? payload.toString('utf8') : undefined
    const verdict = await judge(way, { text, bytes: payload.length, control: true })
    if (verdict.kind === 'close') stop(byPolicy, verdict.reason)
    if (verdict.kind !== 'replace' || Buffer.byteLength(verdict.text) <= longestControl - 2) return verdict
    const reason = 'what policy puts into a control frame does not fit it'
    stop(byPolicy, reason)
    return { kind: 'close', reason }
  }

  async #data(frame: Frame): Promise<void> {
    if (this.#passing !== undefined) return this.#pass(frame.raw, none, frame.fin)
    if (this.#open === undefined && frame.fin) return this.#deliver(frame, frame.raw, frame.payload)
    this.#open ??= { opcode: frame.opcode, rsv1: frame.rsv1 }
    this.#raw.push(frame.raw)
    this.#content.push(frame.payload)
    if (this.#raw.size > this.#terms.limit) {
      if ((await this.#overLimit(this.#open)) && frame.fin) await this.#pass(none, none, true)
      return
    }
    this.#reader.limit = this.#terms.limit - this.#raw.size
    if (!frame.fin) return
    const [first, raw, content] = [this.#open, this.#raw.bytes, this.#content.bytes]
    this.#done()
    await this.#deliver(first, raw, content)
  }

  #done(): void {
    this.#open = undefined
    this.#passing = undefined
    this.#begun = false
    this.#raw = new Gathered()
    this.#content = new Gathered()
    this.#reader.limit = this.#terms.limit
  }

  /** The message turns out to be over the limit: from here on it passes unread, or ends the conversation and this gives false. */
  async #overLimit(first: First): Promise<boolean> {
    const { unread, stop } = this.#terms
    if (this.#passing !== undefined) return true
    if (unread === undefined) {
      stop(1009, tooLarge)
      return false
    }
    const [raw, content] = [this.#raw.bytes, this.#content.bytes]
    this.#open = first
    this.#passing = this.#passesAs(first)
    this.#reader.limit = 0
    unread(content.length)
    await this.#pass(raw, content, false)
    return !this.#over
  }

  /** A compressed message cannot pass as it came once the windows of sender and receiver differ; what is not compressed leaves no trace in them. */
  #passesAs({ rsv1 }: First): 'as it came' | 'decompressed' {
    return rsv1 && this.#deflater !== undefined ? 'decompressed' : 'as it came'
  }

  async #passPiece({ head, offset, bytes, last }: Piece): Promise<void> {
    const read = this.#open?.rsv1 === true
    const payload = !read ? none : head.key === undefined ? bytes : mask(bytes, head.key, offset)
    this.#terms.unread?.(bytes.length)
    await this.#pass(bytes, payload, last && head.fin)
    this.midFrame = !last && this.#passing === 'as it came'
  }

  /** Passes a part of a message unread. What is compressed is followed nevertheless where later messages refer to it. */
  async #pass(raw: Buffer, payload: Buffer, last: boolean): Promise<void> {
    const open = this.#open as First
    if (this.#passing === 'as it came' && raw.length > 0) await this.#send(raw)
    if (open.rsv1 && this.#terms.window?.takeover === true) {
      await this.#inflating(payload, last, async (piece) => {
        if (this.#passing === 'decompressed') await this.#sendPart(open, piece, false)
      })
    }
    if (!last) return
    if (this.#passing === 'decompressed') await this.#sendPart(open, none, true)
    this.#done()
  }

  async #sendPart({ opcode }: First, content: Buffer, fin: boolean): Promise<void> {
    if (content.length === 0 && !fin) return
    const kind = this.#begun ? opcodes.continuation : opcode
    this.#begun = true
    await this.#send(writeFrame(kind, content, { ...this.#masking, fin }))
  }

  async #deliver(first: First, raw: Buffer, packed: Buffer): Promise<void> {
    const content = first.rsv1 ? await this.#inflated(first, raw, packed) : packed
    if (content === undefined) return
    const { room, stop } = this.#terms
    if (content.length <= uncounted) return this.#judged(first, raw, content)
    // Its bytes, and the text they spell.
    const size = 3 * content.length
    if (!room.take(size)) return stop(1013, noRoom)
    try {
      await this.#judged(first, raw, content)
    } finally {
      room.give(size)
    }
  }

  async #judged(first: First, raw: Buffer, content: Buffer): Promise<void> {
    const utf8 = isUtf8(content)
    if (first.opcode === opcodes.text && !utf8) return this.#terms.stop(1007, 'the text is not UTF-8')
    const readable = first.opcode === opcodes.text || (utf8 && !content.includes(0))
    const text = readable ? content.toString('utf8') : undefined
    const verdict = await this.#terms.judge(this.#terms.way, { text, bytes: content.length, control: false })
    if (verdict.kind === 'close') return this.#terms.stop(byPolicy, verdict.reason)
    if (verdict.kind === 'pass' && !(first.rsv1 && this.#deflater !== undefined)) return this.#send(raw)
    return this.#resend(first, verdict.kind === 'replace' ? Buffer.from(verdict.text) : content)
  }

  // From the first changed message on the receiver's window no longer matches the sender's: all that follows is compressed anew.
  async #resend({ opcode, rsv1 }: First, content: Buffer): Promise<void> {
    const { window } = this.#terms
    if (!rsv1 || window === undefined) return this.#send(writeFrame(opcode, content, this.#masking))
    const deflater = this.#deflater ?? new Deflater(window)
    if (window.takeover) this.#deflater = deflater
    return this.#send(writeFrame(opcode, await deflater.message(content), { ...this.#masking, rsv1: true }))
  }

  /** What a compressed message says; undefined when it was over the limit and has been dealt with, or cannot be read. */
  async #inflated(first: First, raw: Buffer, packed: Buffer): Promise<Buffer | undefined> {
    const { limit, unread, stop } = this.#terms
    const out: Buffer[] = []
    let size = 0
    await this.#inflating(packed, true, async (piece) => {
      size += piece.length
      if (this.#passing === 'decompressed') return this.#sendPart(first, piece, false)
      if (this.#passing !== undefined) return
      out.push(piece)
      if (size <= limit) return
      if (unread === undefined) return stop(1009, tooLarge)
      this.#passing = this.#passesAs(first)
      if (this.#passing === 'as it came') await this.#send(raw)
      else for (const one of out) await this.#sendPart(first, one, false)
      out.length = 0
    })
    if (this.#over) return undefined
    if (this.#passing === undefined) return out.length === 1 ? out[0] : Buffer.concat(out, size)
    unread?.(size)
    if (this.#passing === 'decompressed') await this.#sendPart(first, none, true)
    this.#done()
    return undefined
  }

  async #inflating(packed: Buffer, last: boolean, take: (piece: Buffer) => Promise<void>): Promise<void> {
    this.#inflater ??= new Inflater(this.#terms.window as Window)
    try {
      for await (const piece of this.#inflater.part(packed, last)) {
        if (this.#over) return
        await take(piece)
      }
    } catch (error) {
      if (!(error instanceof NotDeflate)) throw error
      this.#terms.stop(1007, error.message)
    }
  }

  get #masking(): { readonly key?: Buffer } {
    return this.#terms.way === 'up' ? { key: randomBytes(4) } : {}
  }

  async #send(bytes: Buffer): Promise<void> {
    if (!this.#terms.stopped() && !this.#terms.to.write(bytes)) await drained(this.#terms.to)
  }
}

type First = { readonly opcode: number; readonly rsv1: boolean }

/** Bytes that come bit by bit, in one place. */
class Gathered {
  size = 0
  #room: Buffer = none

  push(bytes: Buffer): void {
    const size = this.size + bytes.length
    if (size > this.#room.length) {
      const room = Buffer.allocUnsafe(Math.max(1_024, 2 * size))
      this.#room.copy(room, 0, 0, this.size)
      this.#room = room
    }
    bytes.copy(this.#room, this.size)
    this.size = size
  }

  get bytes(): Buffer {
    return this.#room.subarray(0, this.size)
  }
}

const passes: MessageVerdict = { kind: 'pass' }
const byPolicy = 1008
const noRoom = 'no room for the message now'
const uncounted = 65_536
const tooLarge = 'the message is too large'
const none = Buffer.alloc(0)
