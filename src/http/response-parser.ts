import { SallyportError } from '../core/errors.ts'
import type { RawHeaders } from '../core/http.ts'
import { chunkLine } from './chunk-line.ts'
import type { ChunkLine } from './chunk-line.ts'
import { invalidAnswer, readResponseHead, readTrailers } from './response-head.ts'
import type { Framing, ResponseHead } from './response-head.ts'

export type ResponseEvent =
  | { readonly kind: 'informational'; readonly status: number; readonly headers: RawHeaders }
  | ({ readonly kind: 'head' } & ResponseHead)
  /** A part of the chunk that was pushed, not a copy of it. */
  | { readonly kind: 'data'; readonly bytes: Buffer }
  /** `rest` is what came after the answer. */
  | { readonly kind: 'end'; readonly trailers: RawHeaders; readonly rest: Buffer }
  /** 101: what follows, `rest` first, is another protocol's. */
  | { readonly kind: 'switched'; readonly headers: RawHeaders; readonly rest: Buffer }

/** Reads one answer, with its informational ones, from the bytes of an HTTP/1.1 connection (RFC 9112). It holds no more than a head section. */
export type ResponseParser = {
  /** What these bytes make known. Throws `upstream_invalid`; nothing may be pushed after that, nor after `end` or `switched`. */
  readonly push: (bytes: Buffer) => ResponseEvent[]
  /** The connection ended. Throws `upstream_closed` when the answer is not complete. */
  readonly end: () => ResponseEvent[]
}

/** The parser for the answer to one request. */
export function responseParser(method: string): ResponseParser {
  const state: State = { at: 0, step: 'head', left: 0, line: undefined, held: undefined, size: 0, spent: 0 }
  return {
    push: (bytes) => push(state, bytes, method),
    end: () => end(state),
  }
}

type Step = 'head' | 'length' | 'size' | 'chunk' | 'chunk-end' | 'trailers' | 'close' | 'done'

type State = {
  /** Where reading stands in the bytes just pushed. */
  at: number
  step: Step
  /** Bytes still to come: of the body or of the chunk; in `chunk-end` of its CRLF. */
  left: number
  /** A chunk's size line that is not complete. */
  line: ChunkLine | undefined
  /** The beginning of a section that is not complete, and how much of the buffer it fills. */
  held: Buffer | undefined
  size: number
  /** Bytes of all sections so far. */
  spent: number
}

function push(state: State, bytes: Buffer, method: string): ResponseEvent[] {
  const events: ResponseEvent[] = []
  if (state.step === 'done') throw invalidAnswer('bytes after its end')
  state.at = 0
  while (state.at < bytes.length) {
    if (state.step === 'head') pushHead(state, bytes, method, events)
    else if (state.step === 'length' || state.step === 'chunk') pushData(state, bytes, events)
    else if (state.step === 'size') pushSize(state, bytes, events)
    else if (state.step === 'chunk-end') pushChunkEnd(state, bytes)
    else if (state.step === 'trailers') pushTrailers(state, bytes, events)
    else if (state.step === 'close') {
      events.push({ kind: 'data', bytes: bytes.subarray(state.at) })
      state.at = bytes.length
    } else return events
  }
  return events
}

function end(state: State): ResponseEvent[] {
  if (state.step === 'done') return []
  if (state.step === 'close') return [finish(state, nothing, [])]
  const none = state.step === 'head' && state.spent === 0 && state.size === 0
  throw new SallyportError(
    'upstream_closed',
    none
      ? 'the origin closed the connection without an answer'
      : 'the origin closed the connection before its answer was complete',
  )
}

function pushHead(state: State, bytes: Buffer, method: string, events: ResponseEvent[]): void {
  const text = section(state, bytes)
  if (text === undefined) return
  const read = readResponseHead(text, method)
  const { status, headers } = read.head
  if (status === 101) {
    state.step = 'done'
    events.push({ kind: 'switched', headers, rest: bytes.subarray(state.at) })
  } else if (status < 200) events.push({ kind: 'informational', status, headers })
  else {
    events.push({ kind: 'head', ...read })
    begin(state, read.framing)
    if (state.step === 'done') events.push(finish(state, bytes, []))
  }
}

function begin(state: State, framing: Framing): void {
  if (framing.kind === 'chunked') state.step = 'size'
  else if (framing.kind === 'close') state.step = 'close'
  else if (framing.kind === 'length' && framing.length > 0) {
    state.step = 'length'
    state.left = framing.length
  } else state.step = 'done'
}

function finish(state: State, bytes: Buffer, trailers: RawHeaders): ResponseEvent {
  state.step = 'done'
  const rest = state.at < bytes.length ? bytes.subarray(state.at) : nothing
  state.at = bytes.length
  return { kind: 'end', trailers, rest }
}

function pushData(state: State, bytes: Buffer, events: ResponseEvent[]): void {
  const stop = Math.min(bytes.length, state.at + state.left)
  events.push({ kind: 'data', bytes: state.at === 0 && stop === bytes.length ? bytes : bytes.subarray(state.at, stop) })
  state.left -= stop - state.at
  state.at = stop
  if (state.left > 0) return
  if (state.step === 'length') events.push(finish(state, bytes, []))
  else {
    state.step = 'chunk-end'
    state.left = 2
  }
}

function pushSize(state: State, bytes: Buffer, events: ResponseEvent[]): void {
  state.line ??= chunkLine()
  state.at = state.line.push(bytes, state.at)
  const { size } = state.line
  if (size === undefined) return
  state.line = undefined
  state.left = size
  if (size > 0) state.step = 'chunk'
  else if (bytes[state.at] === 13 && bytes[state.at + 1] === 10) {
    state.at += 2
    events.push(finish(state, bytes, []))
  } else {
    state.step = 'trailers'
    // The last chunk's CRLF: with it, no trailers and the end of trailers look the same.
    state.held = Buffer.allocUnsafe(firstHeld)
    state.size = state.held.write('\r\n', 'latin1')
  }
}

function pushChunkEnd(state: State, bytes: Buffer): void {
  if (bytes[state.at] !== (state.left === 2 ? 13 : 10)) throw invalidAnswer('a chunk longer than its size')
  state.at += 1
  state.left -= 1
  if (state.left === 0) state.step = 'size'
}

function pushTrailers(state: State, bytes: Buffer, events: ResponseEvent[]): void {
  const text = section(state, bytes)
  if (text !== undefined) events.push(finish(state, bytes, readTrailers(text, 2)))
}

/** The section up to its empty line, each line with its CRLF; undefined while that has not come. */
function section(state: State, bytes: Buffer): string | undefined {
  if (state.held === undefined) {
    const from = state.at
    const close = bytes.indexOf(sectionEnd, from)
    if (close !== -1) {
      state.at = close + 4
      spend(state, state.at - from)
      return bytes.toString('latin1', from, close + 2)
    }
  }
  return gathered(state, bytes)
}

function gathered(state: State, bytes: Buffer): string | undefined {
  const before = state.size
  const held = hold(state, bytes)
  const close = held.subarray(0, state.size).indexOf(sectionEnd, Math.max(0, before - 3))
  if (close === -1) {
    refuseEarly(state, held, before)
    if (state.spent + state.size > maxSections) throw tooLarge()
    state.at = bytes.length
    return undefined
  }
  state.at += close + 4 - before
  spend(state, close + 4)
  state.held = undefined
  state.size = 0
  return held.toString('latin1', 0, close + 2)
}

function hold(state: State, bytes: Buffer): Buffer {
  const size = state.size + bytes.length - state.at
  let held = state.held
  if (held === undefined || held.length < size) {
    const larger = Buffer.allocUnsafe(Math.max(firstHeld, 2 * size))
    held?.copy(larger, 0, 0, state.size)
    held = larger
  }
  bytes.copy(held, state.size, state.at)
  state.held = held
  state.size = size
  return held
}

/** What can never become a section: waiting for its end would last until the time-out. */
function refuseEarly(state: State, held: Buffer, before: number): void {
  for (let i = before; i < state.size; i += 1) {
    if (held[i] === 10 && held[i - 1] !== 13) throw invalidAnswer('a line that does not end in CRLF')
    if (state.step === 'head' && i < beginning.length && held[i] !== beginning[i])
      throw invalidAnswer('no status line of HTTP/1.1')
  }
}

function spend(state: State, size: number): void {
  state.spent += size
  if (state.spent > maxSections) throw tooLarge()
}

function tooLarge(): SallyportError {
  return invalidAnswer('the header section is too large')
}

const maxSections = 262_144
const firstHeld = 4_096
const sectionEnd = Buffer.from('\r\n\r\n')
const beginning = Buffer.from('HTTP/1.')
const nothing = Buffer.alloc(0)
