import type { Edit } from '../core/text.ts'
import type { Channel } from './channel.ts'
import type { Released, StreamEvent, StreamHow, StreamPart } from './stream-event.ts'

/** An event that waits, with its pieces of channels and the edits of its whole texts. */
export type Entry = {
  readonly event: StreamEvent
  readonly at: number
  readonly pieces: Piece[]
  readonly wire: Edit[]
  readonly store: Edit[]
}

/** Raw [start, end) of a channel. */
export type Piece = {
  readonly channel: Channel
  readonly part: StreamPart
  readonly start: number
  readonly end: number
}

export type Queue = {
  readonly add: (entry: Entry) => void
  readonly empty: () => boolean
  /**
   * What is settled, and what must leave by now: too old, or of a channel in `grown` that holds too much. False when something that
   * must leave turned out to hold a value that blocks.
   */
  readonly release: (grown: Iterable<Channel>, out: Released[]) => boolean
  /** The events before `at` leave, the others are only stored. All channels must be settled. */
  readonly shut: (at: Entry | undefined, out: Released[]) => void
  /** The earliest event still held to which one of the marks applies; the first held when there is none. */
  readonly earliest: (marks: readonly (readonly [Channel, number] | Entry)[]) => Entry | undefined
  readonly deadline: () => number | undefined
  /** Channels that keep the store waiting although too much waits. */
  readonly overdue: () => readonly Channel[]
}

/** The events of a stream between arrival and the two ways out. The store may be behind the wire, never before it. */
export function createQueue(how: StreamHow, force: (channel: Channel, until: number) => boolean): Queue {
  const entries: Entry[] = []
  // Index of the first entry that the wire waits for; those before it wait for the store only.
  let sent = 0
  let heldBytes = 0
  return { add, empty: () => entries.length === 0, release, shut, earliest, deadline, overdue }

  function add(entry: Entry): void {
    entries.push(entry)
    heldBytes += entry.event.bytes.length + ENTRY_BYTES
  }

  function release(grown: Iterable<Channel>, out: Released[]): boolean {
    drain(out)
    const now = sent < entries.length ? how.clock() : 0
    while (sent < entries.length && (leavesAt(entries[sent]!) <= now || tooLong(grown))) {
      const entry = entries[sent]!
      for (const { channel, end } of entry.pieces) if (end > channel.rawSettled && !force(channel, end)) return false
      out.push({ wire: wireOf(entry), store: EMPTY })
      sent++
      drain(out)
    }
    return true
  }

  function drain(out: Released[]): void {
    for (; sent > 0 && isSettled(entries[0]!); sent--) out.push({ wire: EMPTY, store: storeOf(forget()) })
    for (; sent < entries.length && isSettled(entries[sent]!);) {
      if (sent === 0) out.push(bothOf(forget()))
      else out.push({ wire: wireOf(entries[sent++]!), store: EMPTY })
    }
  }

  function tooLong(grown: Iterable<Channel>): boolean {
    for (const channel of grown) {
      if (channel.raw - Math.max(channel.rawSettled, channel.sent) > how.holdbackChars) return true
    }
    return false
  }

  function shut(at: Entry | undefined, out: Released[]): void {
    const last = at === undefined ? entries.length : entries.indexOf(at)
    const leaving = Math.max(0, last - sent)
    for (; sent > 0; sent--) out.push({ wire: EMPTY, store: storeOf(forget()) })
    for (let i = 0; i < leaving; i++) out.push(bothOf(forget()))
    while (entries.length > 0) out.push({ wire: EMPTY, store: storeOf(forget()) })
  }

  function earliest(marks: readonly (readonly [Channel, number] | Entry)[]): Entry | undefined {
    let first = entries.length
    for (const mark of marks) {
      const at = entries.findIndex((entry, i) => i >= sent && (entry === mark || holds(entry, mark)))
      first = Math.min(first, at === -1 ? sent : at)
    }
    return entries[marks.length === 0 ? sent : first]
  }

  function deadline(): number | undefined {
    const entry = entries[sent]
    return entry === undefined ? undefined : leavesAt(entry)
  }

  /** As long as a text goes on, what it could become may still be decided. The rest of a placeholder of ours is worth waiting for. */
  function leavesAt({ at, pieces }: Entry): number {
    const last = at + PATIENCE * how.holdbackMs
    let quiet = at + how.holdbackMs
    for (const { channel, end } of pieces) {
      if (end <= channel.rawSettled) continue
      if (channel.restoring) return last
      quiet = Math.max(quiet, channel.grownAt + how.holdbackMs)
    }
    return Math.min(quiet, last)
  }

  function overdue(): readonly Channel[] {
    if (heldBytes <= MOST_HELD_BYTES || entries.length === 0) return none
    return entries[0]!.pieces.filter((piece) => piece.end > piece.channel.rawSettled).map((piece) => piece.channel)
  }

  function forget(): Entry {
    const entry = entries.shift()!
    heldBytes -= entry.event.bytes.length + ENTRY_BYTES
    return entry
  }

  function bothOf(entry: Entry): Released {
    const wire = wireEdits(entry)
    const store = storeEdits(entry)
    const bytes = written(entry.event, wire)
    return { wire: bytes, store: sameEdits(wire, store) ? bytes : written(entry.event, store) }
  }

  function wireOf(entry: Entry): Uint8Array {
    return written(entry.event, wireEdits(entry))
  }

  function storeOf(entry: Entry): Uint8Array {
    return written(entry.event, storeEdits(entry))
  }

  function written(event: StreamEvent, edits: Edit[]): Uint8Array {
    if (edits.length === 0) return event.bytes
    const content = how.encode(how.applyEdits(event.text, edits.sort(byPlace)), event.charset)
    return event.frame === undefined ? content : event.frame(content)
  }
}

function wireEdits(entry: Entry): Edit[] {
  for (const { channel, part, start, end } of entry.pieces) {
    channel.wire.take(part, start, end, entry.wire)
    channel.sent = end
  }
  return entry.wire
}

function storeEdits(entry: Entry): Edit[] {
  for (const { channel, part, start, end } of entry.pieces) channel.store.take(part, start, end, entry.store)
  return entry.store
}

function isSettled(entry: Entry): boolean {
  return entry.pieces.every((piece) => piece.end <= piece.channel.rawSettled)
}

function holds(entry: Entry, mark: readonly [Channel, number] | Entry): boolean {
  if (!isPlace(mark)) return false
  return entry.pieces.some((piece) => piece.channel === mark[0] && piece.end > mark[1])
}

function isPlace(mark: readonly [Channel, number] | Entry): mark is readonly [Channel, number] {
  return Array.isArray(mark)
}

function sameEdits(a: readonly Edit[], b: readonly Edit[]): boolean {
  return a.length === b.length && a.every((edit, i) => isSameEdit(edit, b[i]!))
}

function isSameEdit(a: Edit, b: Edit): boolean {
  return a.part === b.part && a.start === b.start && a.end === b.end && a.replacement === b.replacement
}

function byPlace(a: Edit, b: Edit): number {
  return a.part.place.start - b.part.place.start || a.start - b.start
}

const none: readonly Channel[] = []
const EMPTY = new Uint8Array(0)
const ENTRY_BYTES = 512
const MOST_HELD_BYTES = 4_194_304
// A text that goes on is waited for so many times as long as one that does not.
const PATIENCE = 10
