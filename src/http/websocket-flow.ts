import { isUtf8 } from 'node:buffer'
import type { Duplex } from 'node:stream'
import { Gathered } from './gathered.ts'
import { closeCodes, codeOf } from './websocket-close.ts'
import { judgeControl } from './websocket-control.ts'
import { Inflater, NotDeflate } from './websocket-deflate.ts'
import { FrameReader, mask, opcodes } from './websocket-frame.ts'
import type { Frame, Piece } from './websocket-frame.ts'
import type { Window } from './websocket-handshake.ts'
import type { Judge, MessageVerdict, Room } from './websocket-judge.ts'
import { WaitingLine } from './websocket-line.ts'
import { FrameWriter } from './websocket-writer.ts'
import type { WriterTerms } from './websocket-writer.ts'

/** What one direction of a conversation works with. */
export type FlowTerms = WriterTerms & {
  readonly judge: Judge
  /** Ends the conversation: a Close to both sides. */
  readonly stop: (code: number, reason: string) => void
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
  readonly #line = new WaitingLine()
  readonly #reader: FrameReader
  readonly #writer: FrameWriter
  readonly #terms: FlowTerms

  constructor(terms: FlowTerms) {
    this.#terms = terms
    this.#reader = new FrameReader(terms.limit)
    this.#writer = new FrameWriter(terms)
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
      await this.#caughtUp()
    } finally {
      this.#count(0)
      this.#inflater?.close()
      this.#writer.close()
    }
  }

  /** Counts what is held between chunks; a little is not worth the trouble. */
  #count(held: number): void {
    const counted = held > uncounted ? held : 0
    if (counted > this.#counted && !this.#terms.room.take(counted - this.#counted))
      return this.#terms.stop(closeCodes.tryAgainLater, noRoom)
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
      if (read.kind === 'invalid') return this.#terms.stop(closeCodes.protocolError, read.reason)
      const { rsv1, opcode } = read.kind === 'long' ? read.head : read.frame
      const masked = read.kind === 'long' ? read.head.key !== undefined : read.frame.masked
      const wrong = this.#misplaced(opcode, rsv1, masked)
      if (wrong !== undefined) return this.#terms.stop(closeCodes.protocolError, wrong)
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
    const { way, judge, stop, closed } = this.#terms
    if (frame.opcode === opcodes.close) await this.#caughtUp()
    const outcome = await judgeControl(frame, way, judge)
    if (outcome.kind === 'stop') return stop(outcome.code, outcome.reason)
    await (outcome.kind === 'pass' ? this.#send(frame.raw) : this.#writer.frame(frame.opcode, outcome.payload))
    if (frame.opcode !== opcodes.close) return
    this.closed = true
    closed(codeOf(frame.payload))
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
      stop(closeCodes.tooBig, tooLarge)
      return false
    }
    await this.#caughtUp()
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
    return rsv1 && this.#writer.anew ? 'decompressed' : 'as it came'
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
    await this.#writer.frame(kind, content, fin)
  }

  async #deliver(first: First, raw: Buffer, packed: Buffer): Promise<void> {
    const content = first.rsv1 ? await this.#inflated(first, raw, packed) : packed
    if (content === undefined) return
    const { room, stop } = this.#terms
    if (content.length <= uncounted) return this.#judged(first, raw, content)
    // Its bytes, and the text they spell.
    const size = 3 * content.length
    if (!room.take(size)) return stop(closeCodes.tryAgainLater, noRoom)
    try {
      await this.#judged(first, raw, content)
    } finally {
      room.give(size)
    }
  }

  async #judged(first: First, raw: Buffer, content: Buffer): Promise<void> {
    const utf8 = isUtf8(content)
    if (first.opcode === opcodes.text && !utf8)
      return this.#terms.stop(closeCodes.invalidPayload, 'the text is not UTF-8')
    const readable = first.opcode === opcodes.text || (utf8 && !content.includes(0))
    const text = readable ? content.toString('utf8') : undefined
    const verdict = await this.#terms.judge(this.#terms.way, { text, bytes: content.length, control: false })
    if (verdict.kind !== 'later' && this.#line.empty) return this.#conclude({ first, raw, content }, verdict)
    this.#wait({ first, raw, content }, verdict.kind === 'later' ? verdict.verdict : verdict)
    if (this.#line.bytes > uncounted) await this.#line.left()
  }

  async #conclude({ first, raw, content }: Message, verdict: MessageVerdict): Promise<void> {
    if (verdict.kind === 'close') {
      if (verdict.last !== undefined) await this.#writer.message(textMessage, Buffer.from(verdict.last))
      return this.#terms.stop(closeCodes.policyViolation, verdict.reason)
    }
    if (verdict.kind === 'pass' && !(first.rsv1 && this.#writer.anew)) return this.#send(raw)
    return this.#writer.message(first, verdict.kind === 'replace' ? Buffer.from(verdict.text) : content)
  }

  /** Messages leave in their order: behind one that waits, all do. */
  #wait(message: Message, verdict: MessageVerdict | Promise<MessageVerdict>): void {
    this.#line.join(message.raw.length, async () => {
      try {
        const given = await verdict
        if (!this.#over) await this.#conclude(message, given)
      } catch {
        this.#terms.stop(closeCodes.internalError, 'internal error')
      }
    })
  }

  /** What waits is decided as it stands, and has left. */
  async #caughtUp(): Promise<void> {
    if (this.#line.empty) return
    await this.#terms.judge.flush?.(this.#terms.way)
    await this.#line.left()
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
      if (unread === undefined) return stop(closeCodes.tooBig, tooLarge)
      await this.#caughtUp()
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
      this.#terms.stop(closeCodes.invalidPayload, error.message)
    }
  }

  async #send(bytes: Buffer): Promise<void> {
    return this.#writer.raw(bytes)
  }
}

type First = { readonly opcode: number; readonly rsv1: boolean }
type Message = { readonly first: First; readonly raw: Buffer; readonly content: Buffer }

const textMessage: First = { opcode: opcodes.text, rsv1: false }
const noRoom = 'no room for the message now'
const uncounted = 65_536
const tooLarge = 'the message is too large'
const none = Buffer.alloc(0)
