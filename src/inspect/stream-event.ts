import type { Edit, TextPart } from '../core/text.ts'
import type { How } from './binding.ts'

/** One event of a streamed answer, as its provider's reader gives it. */
export type StreamEvent = {
  readonly bytes: Uint8Array
  /** The bytes decoded; places of parts count in it. */
  readonly text: string
  readonly charset: 'utf8' | 'latin1'
  readonly parts: readonly StreamPart[]
  /** Channels that this event closes; `*` closes all. */
  readonly ends: readonly string[]
  /** Where `text` is not all of the event: the event's bytes with this content in its place. */
  readonly frame?: (content: Uint8Array) => Uint8Array
}

export type StreamPart = TextPart & {
  /** Parts of one channel, in order, are one text. */
  readonly channel: string
  /** It repeats a complete text. */
  readonly whole: boolean
  /** `json`: the channel is a JSON document in pieces, and the text still has its escapes. */
  readonly fragment: 'text' | 'json'
  readonly sealed?: true
}

export type StreamHow = How & {
  readonly holdbackChars: number
  readonly holdbackMs: number
  readonly applyEdits: (raw: string, edits: readonly Edit[]) => string
  readonly encode: (text: string, charset: 'utf8' | 'latin1') => Uint8Array
  /** Milliseconds. */
  readonly clock: () => number
}

/** Bytes for the client and for the store. An unchanged event's are its own; either may be empty when the other goes first. */
export type Released = { readonly wire: Uint8Array; readonly store: Uint8Array }
