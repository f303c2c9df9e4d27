import type { Answer, Body } from '../core/http.ts'
import { headerOf, withoutHeaders } from '../core/http.ts'
import { abandon, madeBody } from '../http/body.ts'
import { contentCodings } from '../http/encoding.ts'
import type { Binding } from '../inspect/binding.ts'
import { needsWholeAnswer } from '../inspect/binding.ts'
import type { StreamReader } from '../providers/provider.ts'
import { decodedChunks, sideDecoder } from './coded.ts'
import type { Rooms } from './exchange.ts'
import { lateJudges } from './late-judges.ts'
import { mayChange } from './may-change.ts'
import { blocked } from './request.ts'
import type { Trace } from './trace.ts'
import { flush, watcher } from './watcher.ts'
import type { Watcher } from './watcher.ts'
import { judgeWhole } from './whole-stream.ts'

/**
 * A streamed answer. When nothing bound can change it, every chunk goes on as it came, in the tick it came, and is read beside;
 * otherwise events pass the inspector and leave as soon as it lets them.
 */
export function streamed(
  rooms: Rooms,
  trace: Trace,
  answer: Answer,
  reader: StreamReader,
  bindings: readonly Binding[],
): Answer {
  const body = answer.body as Body
  const holds = mayChange(rooms, trace, bindings)
  const whole = holds && needsWholeAnswer(bindings)
  const contentType = headerOf(answer.head.headers, 'content-type') ?? ''
  const watch = watcher(rooms, trace, reader, bindings, contentType, lateJudges(rooms, trace, bindings, whole))
  const codings = contentCodings(answer.head.headers)
  if (!holds) {
    return { head: answer.head, body: madeBody(beside(trace, body, watch, codings), body.length, body.trailers) }
  }
  const headers = withoutHeaders(answer.head.headers, changedFields)
  const chunks = codings.length === 0 ? body : decodedChunks(body, codings)
  const events = whole ? judgeWhole(rooms, trace, chunks, watch, bindings) : held(chunks, watch)
  return { head: { ...answer.head, headers }, body: madeBody(leaving(events, body), undefined, body.trailers) }
}

/** Whoever stops early wants nothing more of the origin, which may be silent for long: a decoder in between would hear of it only then. */
async function* leaving(events: AsyncGenerator<Uint8Array>, body: Body): AsyncGenerator<Uint8Array> {
  try {
    yield* events
  } finally {
    abandon(body)
  }
}

/** Chunks as they came; decoded, read and kept beside. */
async function* beside(
  trace: Trace,
  chunks: Body,
  watch: Watcher,
  codings: readonly string[],
): AsyncGenerator<Uint8Array> {
  const take = async (plain: Uint8Array): Promise<void> => {
    await watch.keep(watch.inspector.pushAll(watch.read(plain)))
  }
  const { write, end } = codings.length === 0 ? { write: take, end: async () => true } : sideDecoder(codings, take)
  let readable = true
  // What cannot be read cannot be changed either: it goes on as it comes, and the record says so.
  const unread = (): void => {
    trace.notInspected ??= 'answer unreadable'
  }
  const read = async (chunk: Uint8Array): Promise<void> => {
    const began = performance.now()
    watch.count(chunk.length)
    if (readable)
      await write(chunk).catch(() => {
        readable = false
        unread()
      })
    watch.spent(performance.now() - began)
  }
  let ended = false
  try {
    for await (const chunk of chunks) {
      try {
        yield chunk
      } finally {
        // Also the chunk with which the client left: it may have arrived.
        await read(chunk)
      }
    }
    ended = true
  } finally {
    try {
      if (!(await end().catch(() => false))) unread()
      if (readable) await watch.keep(flush(watch))
    } finally {
      await watch.finish(ended)
    }
  }
}

/** Events as the inspector lets them go: in the push that settles them, or when their time is over. */
async function* held(chunks: AsyncIterable<Uint8Array>, watch: Watcher): AsyncGenerator<Uint8Array> {
  const { inspector } = watch
  const iterator = chunks[Symbol.asyncIterator]()
  let next = asked(iterator)
  let settled = false
  try {
    for (;;) {
      const deadline = inspector.deadline()
      const step = deadline === undefined ? await next : await before(deadline, next)
      const began = performance.now()
      const ended = step !== timedOut && step.done === true
      if (step !== timedOut && !ended) watch.count((step.value as Uint8Array).length)
      const broken = step !== timedOut && 'cause' in step
      const released =
        step === timedOut
          ? inspector.tick()
          : broken
            ? inspector.end()
            : ended
              ? flush(watch)
              : inspector.pushAll(watch.read(step.value as Uint8Array))
      if (step !== timedOut && !ended) next = asked(iterator)
      const bytes = await watch.keep(released)
      settled = (ended && !broken) || inspector.blocked !== undefined
      watch.spent(performance.now() - began)
      if (bytes !== undefined && bytes.length > 0) yield bytes
      if (inspector.blocked !== undefined) {
        yield watch.refusal(blocked(watch.result()))
        return
      }
      if (broken) throw step.cause
      if (ended) return
    }
  } finally {
    // What is still held, when the client has left, is stored nevertheless.
    if (inspector.blocked === undefined) await watch.keep(inspector.end())
    await watch.finish(settled)
    iterator.return?.().catch(() => undefined)
  }
}

/** What came next; or why nothing does any more, once what was held has been judged. */
type Step = IteratorResult<Uint8Array> | { readonly done: true; readonly cause: unknown }

// Asked ahead: an origin that breaks off while the client still takes what came before is heard at the next turn.
function asked(iterator: AsyncIterator<Uint8Array>): Promise<Step> {
  return iterator.next().catch((cause: unknown) => ({ done: true, cause }))
}

async function before<T>(deadline: number, next: Promise<T>): Promise<T | typeof timedOut> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<typeof timedOut>((resolve) => {
    timer = setTimeout(() => resolve(timedOut), Math.max(0, deadline - performance.now()))
  })
  try {
    return await Promise.race([next, late])
  } finally {
    clearTimeout(timer)
  }
}

const timedOut = Symbol('timed out')
const changedFields = new Set(['content-length', 'content-encoding', 'transfer-encoding'])
