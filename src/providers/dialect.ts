import type { RequestFacts } from '../core/chat.ts'
import type { JsonTree } from './json-scan.ts'
import type { Notes } from './notes.ts'
import type { About, Operation, Refusal, RefusalAnswer } from './provider.ts'
import type { Shape } from './shape.ts'

/** One way of speaking to models: which path is which operation, how each operation's bodies are read, how it says no. */
export type Dialect = {
  readonly name: string
  /** `path` is the path without the query. */
  readonly operation: (path: string, method: string) => Operation | undefined
  readonly readings: Partial<Readonly<Record<Operation, Reading>>>
  /** Framing of a stream whose Content-Type is plain JSON. */
  readonly framing?: (about: About) => 'array' | undefined
  readonly refuse: (refusal: Refusal, about: About | undefined) => RefusalAnswer
  readonly refuseEvent: (refusal: Refusal, about: About | undefined) => string | Uint8Array
}

/** How the bodies of one operation are read. */
export type Reading = {
  readonly request: Shape
  readonly answer: Shape
  /** One event of a stream. */
  readonly event: Shape
  readonly requestFacts: (tree: JsonTree, about: About) => RequestFacts
  /** Notes what a whole answer or one event tells. */
  readonly note: (notes: Notes, tree: JsonTree) => void
  /** The scopes or channels that an event closes: `choice:0` with all below it, or `*`. */
  readonly closes: (tree: JsonTree, event: string) => readonly string[]
}
