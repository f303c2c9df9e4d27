import { gather } from './gather.ts'
import type { Gather } from './gather.ts'

/** Cuts a byte stream into server-sent-event frames (WHATWG HTML 9.2.5): the frames' bytes put together are the input, exactly. */
export type SseFramer = {
  /** The frames that became complete with these bytes. The chunk is kept, not copied: it must not be written to afterwards. */
  readonly push: (chunk: Uint8Array) => SseFrame[]
  /** What is left at the end of the stream. */
  readonly end: () => SseFrame | undefined
}

/**
 * A frame ends with its blank line. A comment in front of any field is a frame of its own, so that keep-alives are not held
 * until the next event. `complete: false`: the stream ended inside it, and a client would not dispatch it.
 */
type SseFrame = { readonly bytes: Uint8Array; readonly complete: boolean }

export class SseFrameTooLarge extends Error {
  constructor(maxFrameBytes: number) {
    super(`a server-sent event is larger than ${maxFrameBytes} bytes`)
    this.name = 'SseFrameTooLarge'
  }
}

/** The framer for one stream. Throws SseFrameTooLarge when an unfinished frame would hold more than `maxFrameBytes`. */
export function sseFramer(maxFrameBytes: number): SseFramer {
  const state = newState()
  return {
    push: (chunk) => push(state, chunk, maxFrameBytes),
    end: () => {
      if (state.held.size() === 0) return undefined
      const complete = state.waiting && closesFrame(state)
      state.waiting = false
      return { bytes: state.held.take(empty), complete }
    },
  }
}

export type Span = { readonly start: number; readonly end: number }

/** The fields of one frame: the event name (empty when not given) and where the values of its data lines stand in the text. */
export type SseFields = { readonly event: string; readonly data: readonly Span[] }

export function sseFields(frame: string): SseFields {
  const data: Span[] = []
  let event = ''
  const carriageReturns = frame.includes('\r')
  let at = frame.charCodeAt(0) === bom ? 1 : 0
  while (at < frame.length) {
    const end = carriageReturns ? lineEnd(frame, at) : lineFeed(frame, at)
    const value = valueStart(frame, at, end)
    if (isField(frame, at, value, 'data')) data.push({ start: Math.min(value, end), end })
    else if (isField(frame, at, value, 'event')) event = frame.slice(Math.min(value, end), end)
    at = end + 1
  }
  return { event, data }
}

/**
 * The data of a frame for a parser that reports places: a text as long as the frame, and the range in it to parse. Several data
 * lines are joined in place: line ends stay and field names become blanks, so that offsets are those of the frame.
 */
export function sseDataInPlace(frame: string, data: readonly Span[]): Span & { readonly text: string } {
  const first = data[0]
  const last = data.at(-1)
  if (first === undefined || last === undefined) return { text: frame, start: 0, end: 0 }
  if (first === last) return { text: frame, start: first.start, end: first.end }
  const joined: string[] = []
  let at = 0
  for (const line of data) {
    const between = frame.slice(at, line.start)
    joined.push(at === 0 ? between : between.replace(/[^\r\n]/g, ' '), frame.slice(line.start, line.end))
    at = line.end
  }
  joined.push(frame.slice(at))
  return { text: joined.join(''), start: first.start, end: last.end }
}

type State = {
  /** Bytes of the unfinished frame from earlier chunks. */
  readonly held: Gather
  /** Bytes of the current line so far, and the first of them. */
  lineBytes: number
  firstByte: number
  /** The frame has a line that is not a comment. */
  fields: boolean
  /** The last byte was a CR whose LF may follow. */
  waiting: boolean
  /** The last byte was a CR that ended a line by itself: an LF right after it is no further line end. */
  skip: boolean
  /** This stream ends lines with a bare CR: nothing is waited for. */
  bareCr: boolean
}

function newState(): State {
  return {
    held: gather(),
    lineBytes: 0,
    firstByte: 0,
    fields: false,
    waiting: false,
    skip: false,
    bareCr: false,
  }
}

function push(state: State, chunk: Uint8Array, maxFrameBytes: number): SseFrame[] {
  const frames: SseFrame[] = []
  if (chunk.length === 0) return frames
  let from = 0
  let at = 0
  if (state.waiting) {
    state.waiting = false
    at = chunk[0] === lf ? 1 : 0
    if (at === 0) state.bareCr = true
    if (endLine(state)) {
      frames.push({ bytes: state.held.take(chunk.subarray(0, at)), complete: true })
      from = at
    }
  }
  while (at < chunk.length) {
    if (state.skip) {
      state.skip = false
      if (chunk[at] === lf) at++
      if (at === chunk.length) break
    }
    const end = nextLineEnd(chunk, at)
    if (state.lineBytes === 0 && end > at) state.firstByte = chunk[at] as number
    state.lineBytes += end - at
    if (end === chunk.length) break
    at = pastLineEnd(state, chunk, end)
    if (state.waiting) break
    if (endLine(state)) {
      frames.push({ bytes: state.held.take(chunk.subarray(from, at)), complete: true })
      from = at
    }
  }
  if (from < chunk.length) hold(state, from === 0 ? chunk : chunk.subarray(from), maxFrameBytes)
  return frames
}

/** Where the next line begins, given where this one ends. Sets `waiting` when the end of the chunk leaves CR or CRLF open. */
function pastLineEnd(state: State, chunk: Uint8Array, end: number): number {
  if (chunk[end] === lf) return end + 1
  if (state.bareCr) {
    state.skip = true
    return end + 1
  }
  if (end + 1 === chunk.length) {
    state.waiting = true
    return end + 1
  }
  if (chunk[end + 1] === lf) return end + 2
  state.bareCr = true
  return end + 1
}

/** Notes the end of a line; true when the frame ends with it. */
function endLine(state: State): boolean {
  const closes = closesFrame(state)
  state.fields = !closes
  state.lineBytes = 0
  return closes
}

function closesFrame(state: State): boolean {
  return state.lineBytes === 0 || (!state.fields && state.firstByte === colon)
}

function nextLineEnd(chunk: Uint8Array, from: number): number {
  for (let i = from; i < chunk.length; i++) {
    const byte = chunk[i]
    if (byte === lf || byte === cr) return i
  }
  return chunk.length
}

function hold(state: State, bytes: Uint8Array, maxFrameBytes: number): void {
  if (state.held.size() + bytes.length > maxFrameBytes) throw new SseFrameTooLarge(maxFrameBytes)
  state.held.hold(bytes)
}

function lineFeed(text: string, from: number): number {
  const end = text.indexOf('\n', from)
  return end < 0 ? text.length : end
}

function lineEnd(text: string, from: number): number {
  for (let i = from; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code === lf || code === cr) return i
  }
  return text.length
}

/** One past the colon and its one optional space; past the end for a line without a colon. */
function valueStart(text: string, start: number, end: number): number {
  for (let i = start; i < end && i < start + longestName; i++) {
    if (text.charCodeAt(i) === colon) return i + 1 < end && text.charCodeAt(i + 1) === space ? i + 2 : i + 1
  }
  return end + 1
}

function isField(text: string, start: number, value: number, name: string): boolean {
  if (!text.startsWith(name, start)) return false
  const after = start + name.length
  return value === after + 1 || (value === after + 2 && text.charCodeAt(after) === colon)
}

const empty = new Uint8Array(0)
const lf = 10
const cr = 13
const space = 32
const colon = 58
const bom = 0xfeff
// `event` and `retry` are the longest field names there are.
const longestName = 6
