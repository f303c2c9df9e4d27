import { setImmediate as immediate } from 'node:timers/promises'
import { SallyportError } from '../core/errors.ts'
import type { AnswerFacts } from '../core/chat.ts'
import type { TextPart } from '../core/text.ts'
import { collect, madeBody } from '../http/body.ts'
import { isAfterwards } from '../inspect/binding.ts'
import type { Binding, Inspection } from '../inspect/binding.ts'
import { inspectParts } from '../inspect/pipeline.ts'
import type { Released } from '../inspect/stream.ts'
import type { StreamEvent } from '../providers/provider.ts'
import type { Rooms } from './exchange.ts'
import { gathered } from './late-judges.ts'
import { blocked, tenantOf } from './request.ts'
import { flush } from './watcher.ts'
import type { Watcher } from './watcher.ts'
import type { Trace } from './trace.ts'
import { factsOf, note } from './trace.ts'

/**
 * A stream that an outside judge must see whole: it is collected up to the limit, judged with the texts of each channel joined,
 * and then passed on through the stream inspector. What is larger is stopped, or passed on without the judge, as policy says.
 */
export async function* judgeWhole(
  rooms: Rooms,
  trace: Trace,
  chunks: AsyncIterable<Uint8Array>,
  watch: Watcher,
  bindings: readonly Binding[],
): AsyncGenerator<Uint8Array> {
  let settled = false
  try {
    yield* judgedWhole(rooms, trace, chunks, watch, bindings)
    settled = true
  } finally {
    await watch.finish(settled)
  }
}

async function* judgedWhole(
  rooms: Rooms,
  trace: Trace,
  chunks: AsyncIterable<Uint8Array>,
  watch: Watcher,
  bindings: readonly Binding[],
): AsyncGenerator<Uint8Array> {
  const { mode, oversize } = trace.policy
  const { inspector } = watch
  const collected = await collect(madeBody(chunks, undefined), rooms.inspectBytes, trace.answerLease).catch(noRoom)
  if (collected instanceof SallyportError) {
    yield watch.refusal(collected)
    return
  }
  if (collected.kind === 'over') {
    if (mode === 'enforce' && oversize === 'block') {
      yield watch.refusal(tooLarge(rooms, trace))
      return
    }
    trace.notInspected ??= 'answer oversize'
    for await (const chunk of collected.rest) {
      watch.count(chunk.length)
      yield* through(watch, watch.read(chunk))
      if (inspector.blocked !== undefined) return
    }
    yield* passed(watch, flush(watch))
    return
  }
  watch.count(collected.bytes.length)
  const events = await eventsOf(watch, collected.bytes)
  const whole = { parts: joinedTexts(events), bodyBytes: collected.bytes.length, answer: watch.facts() }
  const inspection = await judged(rooms, trace, bindings, whole)
  if (mode === 'enforce' && inspection.decision === 'block') {
    yield watch.refusal(blocked(inspection))
    return
  }
  inspector.mask(inspection.edits)
  yield* through(watch, events)
  if (inspector.blocked === undefined) yield* passed(watch, flush(watch))
}

/** The answer has begun: that there is no room for the rest is said in its dialect. */
function noRoom(error: unknown): SallyportError {
  if (error instanceof SallyportError && error.code === 'overloaded') return error
  throw error
}

/** The events of a whole stream, read piece by piece so that others get their turn. */
async function eventsOf(watch: Watcher, bytes: Buffer): Promise<StreamEvent[]> {
  const events: StreamEvent[] = []
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    if (at > 0) await immediate()
    for (const event of watch.read(bytes.subarray(at, at + pieceBytes))) events.push(event)
  }
  return events
}

async function judged(
  rooms: Rooms,
  trace: Trace,
  bindings: readonly Binding[],
  whole: { readonly parts: readonly TextPart[]; readonly bodyBytes: number; readonly answer: AnswerFacts },
): Promise<Inspection> {
  const inspection = await inspectParts(
    bindings.filter((binding) => binding.hook.kind === 'judge' && !isAfterwards(binding)),
    { stage: 'response', ...whole, facts: factsOf(trace), known: trace.found },
    {
      mode: trace.policy.mode,
      vault: rooms.vault(tenantOf(trace)),
      now: process.hrtime.bigint,
      signal: trace.exchange.signal,
    },
  )
  // Placeholders are counted where they are undone.
  note(rooms, trace, { ...inspection, restored: 0, unrestored: 0 })
  return inspection
}

async function* through(watch: Watcher, events: readonly StreamEvent[]): AsyncGenerator<Uint8Array> {
  const released: Released[] = []
  for (const event of events) if (watch.inspector.blocked === undefined) released.push(...watch.inspector.push(event))
  yield* passed(watch, released)
}

/** What was released; and, when that ended in a block, the dialect's error event. */
async function* passed(watch: Watcher, released: readonly Released[]): AsyncGenerator<Uint8Array> {
  const bytes = await watch.keep(released)
  if (bytes !== undefined && bytes.length > 0) yield bytes
  if (watch.inspector.blocked !== undefined) yield watch.refusal(blocked(watch.result()))
}

function tooLarge(rooms: Rooms, trace: Trace): SallyportError {
  trace.decision = 'block'
  trace.error = 'sallyport_too_large'
  return new SallyportError(trace.error, `the answer is larger than ${rooms.inspectBytes} bytes`)
}

/** The texts of a stream, those of each channel as one. */
export function joinedTexts(events: readonly StreamEvent[]): TextPart[] {
  const texts = gathered()
  for (const event of events) texts.add(event)
  return texts.parts()
}

const pieceBytes = 65_536
