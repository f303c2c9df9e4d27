import type { AnswerFacts, RequestFacts } from '../core/chat.ts'
import type { Target } from '../core/http.ts'
import type { Media, TextPart } from '../core/text.ts'
import type { Charset } from './json-text.ts'

export type Operation =
  | 'chat'
  | 'responses'
  | 'completions'
  | 'embeddings'
  | 'images'
  | 'audio'
  | 'moderations'
  | 'rerank'
  | 'files'
  | 'batches'
  | 'messages'
  | 'count_tokens'
  | 'complete'
  | 'generate'
  | 'embed'
  | 'converse'
  | 'invoke'
  | 'realtime'
  | 'models'
  | 'unknown'

export type Identified = { readonly provider: Provider; readonly operation: Operation }

/** What is known of a body before it is read. */
export type About = {
  readonly operation: Operation
  readonly target: Target
  /** The Content-Type as it came; empty when there is none. */
  readonly contentType: string
  /** The largest event of a stream that is held. Default 32 MiB. */
  readonly maxEventBytes?: number
}

/** `unread`: what the body holds besides, and nobody can read. */
type Texts = { readonly parts: readonly TextPart[]; readonly unread: readonly Media[] }
export type RequestReading = Texts & { readonly facts: RequestFacts }
export type AnswerReading = Texts & { readonly facts: AnswerFacts }

/**
 * One provider: its traffic recognised, its bodies read. Bodies are strings as `decodeBody` makes them, and the places of texts
 * are in those. A body that is not what it says is read as text; reading never throws for what is in a body.
 */
export type Provider = {
  readonly name: string
  /** Host globs, as in policies. */
  readonly hosts: readonly string[]
  /** Undefined: the path is none of this provider's. */
  readonly operation: (target: Target, method: string) => Operation | undefined
  readonly readRequest: (body: string, about: About) => RequestReading
  readonly readAnswer: (body: string, about: About) => AnswerReading
  /** A reader for an answer of this content type; undefined when it is no stream that can be read event by event. */
  readonly reader: (about: About) => StreamReader | undefined
  /** A reader for what an origin says on a WebSocket: each push is one whole message, and one event. */
  readonly messageReader: (about: About) => StreamReader
  readonly refuse: (refusal: Refusal, about?: About) => RefusalAnswer
  /** The dialect's error event, for a stream that has begun: whole, without a success terminator after it. Bytes for a binary stream. */
  readonly refuseEvent: (refusal: Refusal, about?: About) => string | Uint8Array
}

/** An answer of our own: `code` of core/errors.ts, and a message that never repeats what was found. */
export type Refusal = {
  readonly code: string
  readonly status: number
  readonly message: string
  /** The Accept header of the request, where the dialect leaves the choice. */
  readonly accept?: string
}

export type RefusalAnswer = {
  readonly contentType: string
  readonly body: string
  /** Further headers, flat: name, value. */
  readonly headers?: readonly string[]
}

/** Reads one stream. Throws `upstream_invalid` or `sallyport_too_large` when the stream breaks its bounds. */
export type StreamReader = {
  readonly push: (chunk: Uint8Array) => readonly StreamEvent[]
  readonly end: () => readonly StreamEvent[]
  /** What the events so far have told. */
  readonly facts: () => AnswerFacts
}

export type StreamEvent = {
  /** The bytes of all events put together are the input, exactly. */
  readonly bytes: Uint8Array
  readonly text: string
  readonly charset: Charset
  /** Places are in `text`. */
  readonly parts: readonly StreamPart[]
  /** What the event holds that nobody can read; not there when it holds none. */
  readonly unread?: readonly Media[]
  /** Channels that get nothing more after this event; `*` is all of them. */
  readonly ends: readonly string[]
  /** Where `text` is not all of the event: the event's bytes with this content in its place. */
  readonly frame?: (content: Uint8Array) => Uint8Array
}

export type StreamPart = TextPart & {
  /** The growing text that this is a piece of: `choice:0:content`, `block:1:input`, `output:0:0:text`. */
  readonly channel: string
  /** The text is complete in this event, not a piece of a growing one. */
  readonly whole: boolean
  /** `json`: the channel grows to a JSON document (tool arguments), and the text is a piece of its source. */
  readonly fragment: 'text' | 'json'
}
