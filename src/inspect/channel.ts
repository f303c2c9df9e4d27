import type { Edit, TextKind } from '../core/text.ts'
import { decodeFragment, escapeJson } from './json-fragment.ts'
import type { Range, Replacement } from './spans.ts'
import type { StreamPart } from './stream-event.ts'

/**
 * One text of a stream that arrives in pieces. There are two ways to count along it: *raw*, the characters of the pieces, and
 * *decoded*, what they say once JSON escapes are undone; for plain text the two are one. Both count from the channel's beginning.
 * Only a window is kept: what is not settled and enough before it to judge it by.
 */
export class Channel {
  readonly path: string
  readonly kind: TextKind
  readonly json: boolean
  /** A complete text that other pieces of the stream have said already. */
  readonly repeats: boolean
  sealed = false
  /** Decoded text from `base` on. */
  text = ''
  base = 0
  /** Raw length so far. */
  raw = 0
  /** Decoded: before it nothing can change any more. */
  settled = 0
  /** Raw: the same, in terms of pieces. */
  rawSettled = 0
  /** Raw: before it everything is on the wire. */
  sent = 0
  /** On the stream's clock, when it grew last. */
  grownAt = 0
  /** What is not settled may be the beginning of one of our placeholders. */
  restoring = false
  readonly wire = new Changes()
  readonly store = new Changes()
  private places: number[] = []
  private carry = ''
  private inString = false

  constructor(part: StreamPart, repeats = false) {
    this.repeats = repeats
    this.path = part.path
    this.kind = part.kind
    this.json = part.fragment === 'json'
  }

  append(part: StreamPart): void {
    if (part.sealed === true) this.sealed = true
    this.raw += part.text.length
    if (!this.json) {
      this.text += part.text
      return
    }
    const raw = this.carry + part.text
    const decoded = decodeFragment(raw, this.raw - raw.length, this.inString)
    this.text += decoded.text
    for (const place of decoded.places) this.places.push(place)
    this.carry = decoded.carry
    this.inString = decoded.inString
  }

  /**
   * `end` counts in the window; so does `needed`, from where on its text is kept though it is settled, within bounds. A closed
   * channel is settled to its last raw character.
   */
  settleTo(end: number, closed: boolean, needed = end): void {
    this.settled = this.base + end
    this.rawSettled = closed ? this.raw : this.rawAt(end)
    const surplus = Math.max(Math.min(end, needed), end - MOST_KEPT) - CONTEXT
    if (surplus < SLACK) return
    const cut = wordStart(this.text, surplus)
    this.text = this.text.slice(cut)
    this.base += cut
    if (this.json) this.places = this.places.slice(cut)
  }

  /** Puts a replacement (in the window's count) into the list of changes, where neither sent nor changed already. */
  change(changes: Changes, one: Replacement, until = Infinity): void {
    const repeats = changes.last !== null && this.base + one.start < changes.last.end
    changes.last = { start: this.base + one.start, end: Math.max(this.base + one.end, repeats ? changes.last!.end : 0) }
    const text = repeats ? '' : one.text
    if (this.json) this.changeJson(changes, one, text, until)
    else changes.add({ start: this.base + one.start, end: Math.min(this.base + one.end, until), text, digits: false })
  }

  /** Whether the beginning is on the wire unchanged. */
  left({ start }: Range): boolean {
    const { floor, last } = this.wire
    return this.rawAt(start) < floor && (last === null || this.base + start >= last.end)
  }

  /** Inside strings the first stretch takes the text; outside, where only a number could say anything, digits become nines. */
  private changeJson(changes: Changes, { start, end }: Range, text: string, until: number): void {
    let spelled = escapeJson(text)
    for (let i = start; i < end;) {
      const bare = this.places[i]! % 2 === 1
      const digits = bare && isDigit(this.text.charCodeAt(i))
      const from = i
      const same = (): boolean =>
        (this.places[i]! % 2 === 1) === bare && (!bare || isDigit(this.text.charCodeAt(i)) === digits)
      while (i < end && same()) i++
      if (bare && !digits) continue
      const first = this.firstUnsent(from, i, changes.floor)
      const segment = {
        start: this.rawAt(first),
        end: Math.min(this.rawAt(i), until),
        text: digits ? '' : spelled,
        digits,
      }
      if (changes.add(segment) && !digits) spelled = ''
    }
  }

  /** An escape of which a part was sent stays whole. */
  private firstUnsent(from: number, to: number, floor: number): number {
    let i = from
    while (i < to && this.rawAt(i) < floor) i++
    return i
  }

  rawAt(index: number): number {
    if (!this.json) return this.base + index
    return index < this.places.length ? Math.floor(this.places[index]! / 2) : this.raw - this.carry.length
  }
}

/** [start, end) in raw count becomes `text`, or as many nines. */
type Segment = { readonly start: number; readonly end: number; readonly text: string; readonly digits: boolean }

/** Changes on their way to one side, the wire or the store: in order, not overlapping. */
export class Changes {
  /** Raw: before it everything has been sent or has its change already. */
  floor = 0
  /** Decoded: the last change, so that a value that turns out longer is not replaced twice. */
  last: Range | null = null
  private segments: Segment[] = []

  /** False when nothing of it is left to change. */
  add(segment: Segment): boolean {
    const start = Math.max(segment.start, this.floor)
    if (start >= segment.end) return false
    this.segments.push(start === segment.start ? segment : { ...segment, start })
    this.floor = segment.end
    return true
  }

  /** The edits of the part whose raw text stands at [start, end), which is now sent. */
  take(part: StreamPart, start: number, end: number, edits: Edit[]): void {
    let used = 0
    for (const segment of this.segments) {
      if (segment.start >= end) break
      if (segment.end <= end) used++
      const from = Math.max(segment.start, start)
      const to = Math.min(segment.end, end)
      if (from >= to) continue
      const text = segment.digits ? '9'.repeat(to - from) : from === segment.start ? segment.text : ''
      edits.push({ part, start: from - start, end: to - start, replacement: text })
    }
    if (used > 0) this.segments = this.segments.slice(used)
    if (end > this.floor) this.floor = end
  }
}

/** The first place at or before `at`, but not far, where a word begins: a word cut in two could look like another. */
function wordStart(text: string, at: number): number {
  for (let i = at; i > Math.max(0, at - WORD); i--) {
    const code = text.charCodeAt(i - 1)
    if (code === 32 || code === 10) return i
  }
  const lowSurrogate = (text.charCodeAt(at) & 0xfc00) === 0xdc00
  return lowSurrogate ? at - 1 : at
}

const isDigit = (code: number): boolean => code >= 48 && code <= 57

// What rules may look back at: `\b`, a label, some words of context.
const CONTEXT = 128
// What a match may begin before its value; the engine looks back no further.
const MOST_KEPT = 3_840
const SLACK = 64
const WORD = 64
