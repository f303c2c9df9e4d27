import type { AnswerFacts } from '../core/chat.ts'
import type { SallyportError } from '../core/errors.ts'
import type { BodyKeeper } from '../audit/bodies/body.ts'
import type { Binding, Inspection } from '../inspect/binding.ts'
import { inspectStream } from '../inspect/stream.ts'
import type { Released, StreamInspector } from '../inspect/stream.ts'
import { applyEdits, encodeBody } from '../providers/json-text.ts'
import type { StreamEvent, StreamReader } from '../providers/provider.ts'
import type { Rooms } from './exchange.ts'
import type { LateJudges } from './late-judges.ts'
import { tenantOf } from './request.ts'
import type { Trace } from './trace.ts'
import { note } from './trace.ts'

/** Reads and records a stream for both ways of passing it on. */
export type Watcher = {
  readonly read: (chunk: Uint8Array) => readonly StreamEvent[]
  readonly rest: () => readonly StreamEvent[]
  readonly facts: () => AnswerFacts
  readonly inspector: StreamInspector
  /** Keeps what was released; gives the bytes for the wire. Waits when the disk is slow. */
  readonly keep: (released: readonly Released[]) => Promise<Uint8Array | undefined>
  readonly count: (bytes: number) => void
  readonly spent: (ms: number) => void
  /** The dialect's error event, when the stream is stopped. */
  readonly refusal: (error: SallyportError) => Uint8Array
  readonly result: () => Inspection
  /** `whole` unless one side went away: then what is kept is the beginning. */
  readonly finish: (whole?: boolean) => Promise<void>
}

/** For one answer. `contentType` is the answer's; `late` hears it all. */
export function watcher(
  rooms: Rooms,
  trace: Trace,
  reader: StreamReader,
  bindings: readonly Binding[],
  contentType: string,
  late?: LateJudges,
): Watcher {
  const { policy } = trace
  const keeper: BodyKeeper | undefined =
    rooms.store === 'none' ? undefined : rooms.keeper(trace.exchange.id, 'response')
  const inspector = inspectStream(
    bindings,
    { known: trace.found },
    {
      mode: policy.mode,
      vault: rooms.vault(tenantOf(trace)),
      now: process.hrtime.bigint,
      signal: trace.exchange.signal,
      holdbackChars: policy.holdbackChars,
      holdbackMs: policy.holdbackMs,
      applyEdits,
      encode: encodeBody,
      clock: () => performance.now(),
    },
  )
  // Bodies that are kept as they were are kept as they came, streams too.
  const came: Uint8Array[] | undefined = rooms.store === 'full' ? [] : undefined
  let finished = false
  let inspection: Inspection | undefined
  const seen = (events: readonly StreamEvent[]): readonly StreamEvent[] => {
    late?.see(events)
    for (const { unread } of events) if (unread !== undefined) trace.notInspected ??= `answer ${unread.join(', ')}`
    return events
  }
  const result = (): Inspection => (inspection ??= inspector.result())
  return {
    read(chunk) {
      came?.push(chunk)
      return seen(reader.push(chunk))
    },
    rest: () => seen(reader.end()),
    facts: () => reader.facts(),
    inspector,
    async keep(released) {
      for (const bytes of came?.splice(0) ?? released.map(({ store }) => store)) {
        const waiting = keeper?.write(bytes)
        if (waiting !== undefined) await waiting
      }
      if (released.length === 0) return undefined
      const [only] = released
      return released.length === 1 ? (only as Released).wire : Buffer.concat(released.map(({ wire }) => wire))
    },
    count: (bytes) => (trace.responseBytes += bytes),
    spent: (ms) => (trace.addedMs += ms),
    refusal(error) {
      trace.error ??= error.code
      return refusalEvent(trace, contentType, error)
    },
    result,
    async finish(whole = true) {
      if (finished) return
      finished = true
      trace.answer = reader.facts()
      note(rooms, trace, result())
      await late?.judge()
      if (keeper === undefined) return
      const kept = await keeper.finish()
      trace.responseContent = { ...kept, truncated: kept.truncated || !whole }
    },
  }
}

function refusalEvent(trace: Trace, contentType: string, error: SallyportError): Uint8Array {
  const { provider, operation } = trace.identified
  const about = { operation, target: trace.exchange.request.head.target, contentType }
  const event = provider.refuseEvent(
    { code: error.code, status: error.status, message: `${error.message} (exchange ${trace.exchange.id})` },
    about,
  )
  return typeof event === 'string' ? Buffer.from(event) : event
}

/** What the end of the stream sets free. */
export function flush(watch: Watcher): Released[] {
  const released: Released[] = []
  for (const event of watch.rest()) released.push(...watch.inspector.push(event))
  if (watch.inspector.blocked === undefined) released.push(...watch.inspector.end())
  return released
}
