import type { Edit } from '../core/text.ts'
import { runsAt, type Binding, type Inspection } from './binding.ts'
import { Channel } from './channel.ts'
import { decodeFragment } from './json-fragment.ts'
import type { PartsInput } from './pipeline.ts'
import { createQueue, type Entry, type Piece } from './stream-queue.ts'
import type { Released, StreamEvent, StreamHow, StreamPart } from './stream-event.ts'
import { createSettler } from './settle.ts'
import { Tally } from './tally.ts'

export type { Released, StreamEvent, StreamHow, StreamPart } from './stream-event.ts'

/** Every call returns what may leave now, in order. After a block nothing does, but for what is stored. */
export type StreamInspector = {
  /**
   * Before the first push: what a judge of the whole answer wants masked, as `inspectParts` gave it for the joined texts. The same
   * values are masked wherever they come.
   */
  readonly mask: (edits: readonly Edit[]) => void
  /** Further values that must not be stored: a conversation goes on while it is answered. Takes the place of those given before. */
  readonly know: (values: readonly string[]) => void
  readonly push: (event: StreamEvent) => readonly Released[]
  /** Events that came together are looked at together, which costs little more than one of them. */
  readonly pushAll: (events: readonly StreamEvent[]) => readonly Released[]
  /** To be called at `deadline()`. */
  readonly tick: () => readonly Released[]
  /** The stream is over, well or not. */
  readonly end: () => readonly Released[]
  /** When, on the clock, something held has to leave; undefined when nothing is held. */
  readonly deadline: () => number | undefined
  readonly blocked: { readonly rule: string } | undefined
  /** To be called once, after `end` or a block. */
  readonly result: () => Inspection
}

/**
 * Inspects a streamed answer while it passes. Events are held whole, in order, and leave in the push that settles every text in
 * them. What has to leave before it is settled (time, length) leaves on the wire only: its stored copy waits for the decision.
 */
export function inspectStream(
  bindings: readonly Binding[],
  input: Partial<PartsInput>,
  how: StreamHow,
): StreamInspector {
  const tally = new Tally('response')
  const settler = createSettler(bindings, how, tally, input.known ?? [])
  const channels = new Map<string, Channel>()
  const queue = createQueue(how, settler.force)
  let looksOut = (input.known ?? []).length > 0 || bindings.some((binding) => runsAt(binding, 'response'))
  const mostPending = Math.max(MOST_PENDING, 2 * how.holdbackChars)
  let blocked: { readonly rule: string } | undefined
  const blockedWholes: Entry[] = []

  function pushAll(events: readonly StreamEvent[]): readonly Released[] {
    if (blocked !== undefined) return nothing
    const out: Released[] = []
    const grown = new Set<Channel>()
    const idle = !looksOut && how.vault.size() === 0
    for (const event of events) {
      if (queue.empty() && (idle || (event.parts.length === 0 && event.ends.length === 0)))
        out.push({ wire: event.bytes, store: event.bytes })
      else take(event, grown)
      if (tally.decision === 'block') break
    }
    for (const channel of grown) settleOpen(channel)
    return released(grown, out)
  }

  function take(event: StreamEvent, grown: Set<Channel>): void {
    const entry: Entry = { event, at: how.clock(), pieces: [], wire: [], store: [] }
    for (const part of event.parts) if (!part.whole && part.text !== '') entry.pieces.push(grow(part, grown, entry.at))
    queue.add(entry)
    close(event.ends, grown)
    // After what they repeat, so that it is counted there.
    for (const part of event.parts) if (part.whole) alone(part, entry)
  }

  function grow(part: StreamPart, grown: Set<Channel>, at: number): Piece {
    let channel = channels.get(part.channel)
    if (channel === undefined) {
      if (channels.size === MOST_CHANNELS) close([channels.keys().next().value!], grown)
      channel = new Channel(part)
      channels.set(part.channel, channel)
    }
    const start = channel.raw
    channel.append(part)
    channel.grownAt = at
    grown.add(channel)
    return { channel, part, start, end: channel.raw }
  }

  function alone(part: StreamPart, entry: Entry): void {
    const channel = new Channel(part, true)
    channel.append(part)
    settler.settle(channel, true)
    channel.wire.take(part, 0, channel.raw, entry.wire)
    channel.store.take(part, 0, channel.raw, entry.store)
    if (settler.blocks.some((block) => block[0] === channel)) blockedWholes.push(entry)
  }

  function close(ends: readonly string[], grown: Set<Channel>): void {
    for (const name of ends.includes('*') ? [...channels.keys()] : ends) {
      const channel = channels.get(name)
      if (channel === undefined) continue
      settler.settle(channel, true)
      channels.delete(name)
      grown.delete(channel)
    }
  }

  function settleOpen(channel: Channel): void {
    settler.settle(channel, false)
    const length = channel.text.length
    if (channel.base + length - channel.settled > mostPending) settler.settle(channel, false, length - mostPending)
  }

  function released(grown: Iterable<Channel>, out: Released[]): readonly Released[] {
    if (tally.decision === 'block' || !queue.release(grown, out)) shut(out)
    for (const channel of queue.overdue()) settler.settle(channel, false, channel.text.length)
    return out
  }

  /** Everything is judged as it stands: what precedes the blocked value leaves, the rest is only stored. */
  function shut(out: Released[]): void {
    close(['*'], new Set())
    blocked = { rule: tally.rule ?? '' }
    const places = settler.blocks.filter(([channel]) => !channel.repeats)
    queue.shut(queue.earliest([...places, ...blockedWholes]), out)
  }

  function end(): readonly Released[] {
    if (blocked !== undefined) return nothing
    close(['*'], new Set())
    const out: Released[] = []
    if (tally.decision === 'block') shut(out)
    else queue.shut(undefined, out)
    return out
  }

  function mask(edits: readonly Edit[]): void {
    const values = edits.filter((edit) => edit.replacement.startsWith('[REDACTED')).map(valueOf)
    settler.mask(values)
    if (values.length > 0) looksOut = true
  }

  function know(values: readonly string[]): void {
    settler.know(values)
    if (values.length > 0) looksOut = true
  }

  return {
    mask,
    know,
    push: (event) => pushAll([event]),
    pushAll,
    tick: () => (blocked === undefined ? released(nobody, []) : nothing),
    end,
    deadline: () => (blocked === undefined ? queue.deadline() : undefined),
    get blocked() {
      return blocked
    },
    result: () => {
      settler.finish()
      return tally.inspection({ edits: [], storeEdits: [] })
    },
  }
}

function valueOf({ part, start, end }: Edit): string {
  const value = part.text.slice(start, end)
  return 'fragment' in part && part.fragment === 'json' ? decodeFragment(value, 0, true).text : value
}

const nothing: readonly Released[] = []
const nobody: readonly Channel[] = []
// How much of a text may wait for its decision in the store: a private key fits.
const MOST_PENDING = 8_192
const MOST_CHANNELS = 1_000
