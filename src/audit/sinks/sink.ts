import type { LedgerRow } from '../find/presented.ts'

/** What a sink may be sent; `include` of its settings says which. */
export type ExportTable = 'exchanges' | 'connections' | 'events' | 'checkpoints'

/** One row of the ledger on its way out. `row` is for reading: JSON columns parsed, bodies only when the sink asks for them. */
export type ExportRow = {
  readonly table: ExportTable
  readonly row: LedgerRow
  /** The block of the chain that has this state of the row: with the row's id it names the delivery, also when it is repeated. */
  readonly block: number
}

/** A row that the receiver will never take; `index` is its place in the batch. The reason has nothing of the row's content in it. */
export type Refused = { readonly index: number; readonly reason: string }

/** One way out. One delivery at a time. */
export type Sink = {
  /**
   * Delivers the rows in order. Resolves, once the receiver has them, with those that it refuses for good. Throws `SinkError` when they
   * could not be delivered now, `BatchRefused` when the receiver refuses the batch as a whole and does not say why (send halves of it),
   * and what the signal was aborted with. After anything thrown some rows may have arrived: sending them again is allowed.
   */
  readonly send: (rows: readonly ExportRow[], signal: AbortSignal) => Promise<readonly Refused[]>
  readonly close: () => Promise<void>
}

/** What every sink and format is given. `now` is in milliseconds since 1970. */
export type SinkContext = { readonly hostname: string; readonly version: string; readonly now: () => number }

/** A kind of sink, without the type of its options: they have been checked with the configuration. */
export type SinkType = {
  readonly type: string
  readonly create: (options: { readonly type: string }, context: SinkContext) => Sink
}

/**
 * Ties options to the code that takes them, then forgets their type, so that the registry is a plain list. `create` opens nothing on the
 * network; it throws `config_invalid` for files that cannot be used.
 */
export function defineSink<O extends { readonly type: string }>(sink: {
  readonly type: O['type']
  readonly create: (options: O, context: SinkContext) => Sink
}): SinkType {
  return { type: sink.type, create: (options, context) => sink.create(options as O, context) }
}

/** Not delivered now, and worth another try: the receiver is away, busy, or wants other credentials. Never a secret in the message. */
export class SinkError extends Error {
  /** How long the receiver wants to be left alone, in milliseconds, when it says so. */
  readonly retryAfterMs: number | undefined

  constructor(message: string, options: { readonly cause?: unknown; readonly retryAfterMs?: number | undefined } = {}) {
    super(message, { cause: options.cause })
    this.name = 'SinkError'
    this.retryAfterMs = options.retryAfterMs
  }
}

/** The receiver does not take these rows together, and the same again would change nothing. A single row is then refused for good. */
export class BatchRefused extends Error {
  constructor(message: string, options: { readonly cause?: unknown } = {}) {
    super(message, options)
    this.name = 'BatchRefused'
  }
}
