/** Who wrote a text, as far as the dialect tells. */
export type Role = 'system' | 'user' | 'assistant' | 'tool' | 'unknown'

export type TextKind =
  | 'message'
  | 'reasoning'
  | 'tool-definition'
  | 'tool-arguments'
  | 'tool-result'
  | 'file-name'
  | 'metadata'
  | 'other'

/**
 * How the characters of a body spell a text, outermost first: `json` is the inside of a JSON string, so `['json', 'json']` is a
 * string inside a JSON document that is itself a JSON string (tool arguments); `number` is a JSON number, which an edit makes a
 * string; `form` is a value of application/x-www-form-urlencoded; `sse` is the value of one line of a server-sent event; `base64`
 * and `quoted-printable` are UTF-8 encoded so; `utf8` is UTF-8 in a body that is decoded as latin1. An empty list is plain text.
 */
export type Spelling = readonly ('json' | 'number' | 'form' | 'sse' | 'base64' | 'quoted-printable' | 'utf8')[]

/**
 * Where a text stands: [start, end) in UTF-16 code units of the body decoded to a string, without the quotes.
 * A body that is not valid UTF-8 is decoded as latin1, so that decoding and encoding always give the same bytes.
 */
export type Place = {
  readonly start: number
  readonly end: number
  readonly spelling: Spelling
  /** Of the name of a member: where its object stands, in which no two names may become one. */
  readonly object?: { readonly start: number; readonly end: number }
}

/** One text in a body that a model or a person would read: decoded, with its place. */
export type TextPart = {
  readonly text: string
  readonly place: Place
  readonly role: Role
  readonly kind: TextKind
  /** `messages[0].content[1].text`; stable over turns. */
  readonly path: string
  /** The text is covered by a signature of the provider: it is inspected, and must never be edited. */
  readonly sealed?: true
  /** The text stands in the head of the request, not in the body: it is sealed, and its place is in itself. */
  readonly head?: true
}

/** What a body holds that cannot be read as text. */
export type Media = 'image' | 'audio' | 'video' | 'pdf' | 'binary'

/** Replaces [start, end) of a part's decoded text. The replacement is decoded text too: it is spelled as its place asks. */
export type Edit = {
  readonly part: TextPart
  readonly start: number
  readonly end: number
  readonly replacement: string
}
