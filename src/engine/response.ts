import { SallyportError } from '../core/errors.ts'
import type { Answer, Body, RawHeaders } from '../core/http.ts'
import { headerOf, withoutHeaders } from '../core/http.ts'
import type { TextPart } from '../core/text.ts'
import { abandon, bytesBody, trailedBody } from '../http/body.ts'
import { canDecode, contentCodings } from '../http/encoding.ts'
import { mediaType, withHeader } from '../http/headers.ts'
import { inspectParts } from '../inspect/pipeline.ts'
import type { Binding } from '../inspect/binding.ts'
import { applyEdits, encodeBody } from '../providers/json-text.ts'
import { decode, isOpaque } from './decode.ts'
import type { Decoded } from './decode.ts'
import type { Rooms } from './exchange.ts'
import { mayChange } from './may-change.ts'
import { blocked, postures, tenantOf } from './request.ts'
import { streamed } from './stream.ts'
import { textReader } from './text-reader.ts'
import type { Trace } from './trace.ts'
import { factsOf, note } from './trace.ts'
import { passing } from './unread.ts'

/** Inspects the answer and gives the one to send. Rejects with SallyportError when policy or the origin says so. */
export async function receive(rooms: Rooms, trace: Trace, answer: Answer): Promise<Answer> {
  // The request has been sent: its bytes are gone.
  if (!trace.requestLease.passing) trace.requestLease.end()
  trace.status = answer.head.status
  trace.upstreamVersion = answer.head.version
  trace.firstByteMs = Math.round((performance.now() - trace.startedAt) * 1_000) / 1_000
  if (answer.body === null) return answer
  if (trace.decision === 'attested') return { head: answer.head, body: passing(rooms, trace, 'response', answer.body) }
  const type = mediaType(answer.head.headers)
  const contentType = headerOf(answer.head.headers, 'content-type') ?? ''
  const about = { operation: trace.identified.operation, target: trace.exchange.request.head.target, contentType }
  const reader = trace.identified.provider.reader(about) ?? (isPlainText(type) ? textReader() : undefined)
  if (reader === undefined && isOpaque(type)) return passed(rooms, trace, answer, answer.body, type)
  const bindings = trace.policy.bindingsFor(factsOf(trace), 'response')
  if (reader === undefined) return whole(rooms, trace, answer, bindings)
  if (canDecode(contentCodings(answer.head.headers)) || !mayChange(rooms, trace, bindings))
    return streamed(rooms, trace, answer, reader, bindings)
  if (howAsked(trace, bindings).unreadable === 'allow') return passed(rooms, trace, answer, answer.body, 'unreadable')
  abandon(answer.body)
  throw new SallyportError('upstream_invalid', 'the answer cannot be read: its Content-Encoding is unknown')
}

async function whole(rooms: Rooms, trace: Trace, answer: Answer, bindings: readonly Binding[]): Promise<Answer> {
  const decoded = await decode(
    { headers: answer.head.headers, body: answer.body },
    {
      limit: rooms.inspectBytes,
      ...howAsked(trace, bindings),
      alwaysText: false,
      looksInto: false,
      neverBinary: false,
    },
    trace.answerLease,
  ).catch((error: unknown) => {
    abandon(answer.body)
    return asUpstream(error)
  })
  if (decoded.kind === 'none') return answer
  if (decoded.kind === 'opaque') return passed(rooms, trace, answer, decoded.body, decoded.why)
  const began = performance.now()
  const edited = await inspectWhole(rooms, trace, answer, decoded, bindings)
  trace.addedMs += performance.now() - began
  if (edited.body?.length !== undefined) trace.answerLease.shrink(edited.body.length)
  return edited
}

/** Where no rule asks for the answer, none can be missed. */
function howAsked({ policy }: Trace, bindings: readonly Binding[]): ReturnType<typeof postures> {
  return bindings.length === 0 ? { oversize: 'allow', unreadable: 'allow' } : postures(policy)
}

async function inspectWhole(
  rooms: Rooms,
  trace: Trace,
  answer: Answer,
  decoded: Extract<Decoded, { kind: 'text' }>,
  bindings: readonly Binding[],
): Promise<Answer> {
  const parts = readAnswer(trace, answer, decoded)
  trace.responseBytes = decoded.bytes.length
  const inspection = await inspectParts(
    bindings,
    {
      stage: 'response',
      parts,
      bodyBytes: decoded.bytes.length,
      answer: trace.answer,
      facts: factsOf(trace),
      known: trace.found,
    },
    {
      mode: trace.policy.mode,
      vault: rooms.vault(tenantOf(trace)),
      now: process.hrtime.bigint,
      signal: trace.exchange.signal,
    },
  )
  note(rooms, trace, inspection)
  keep(rooms, trace, decoded, inspection.storeEdits)
  if (inspection.decision === 'block' && trace.policy.mode === 'enforce') throw blocked(inspection)
  const trailers = answer.body?.trailers() ?? []
  if (inspection.edits.length === 0) return collected(answer.head, decoded.bytes, trailers)
  const bytes = encodeBody(applyEdits(decoded.text, inspection.edits), decoded.charset)
  const headers = withHeader(withoutHeaders(answer.head.headers, codingFields), 'content-length', String(bytes.length))
  return collected({ ...answer.head, headers }, bytes, trailers)
}

function collected(head: Answer['head'], bytes: Uint8Array, trailers: RawHeaders): Answer {
  if (trailers.length === 0) return { head, body: bytesBody(bytes) }
  return { head: { ...head, headers: withoutHeaders(head.headers, contentLength) }, body: trailedBody(bytes, trailers) }
}

function readAnswer(trace: Trace, answer: Answer, decoded: Extract<Decoded, { kind: 'text' }>): readonly TextPart[] {
  const contentType = headerOf(answer.head.headers, 'content-type') ?? ''
  const about = { operation: trace.identified.operation, target: trace.exchange.request.head.target, contentType }
  const reading = trace.identified.provider.readAnswer(decoded.text, about)
  trace.answer = reading.facts
  if (reading.unread.length > 0) trace.notInspected ??= `answer ${reading.unread.join(', ')}`
  return reading.parts
}

function keep(
  rooms: Rooms,
  trace: Trace,
  decoded: Extract<Decoded, { kind: 'text' }>,
  storeEdits: Parameters<typeof applyEdits>[1],
): void {
  if (rooms.store === 'none') return
  const clean = rooms.store === 'full' || storeEdits.length === 0
  trace.responseContent = rooms
    .keeper(trace.exchange.id, 'response')
    .whole(
      clean && !decoded.coded
        ? decoded.bytes
        : encodeBody(clean ? decoded.text : applyEdits(decoded.text, storeEdits), decoded.charset),
    )
}

/** An answer that is not read: counted as it passes. */
function passed(rooms: Rooms, trace: Trace, answer: Answer, body: Body, why: string): Answer {
  trace.notInspected ??= `answer ${why}`
  return { head: answer.head, body: passing(rooms, trace, 'response', body) }
}

function isPlainText(type: string): boolean {
  return type.startsWith('text/') && type !== 'text/html'
}

// The client's body faults are 400 and 413; the same faults of an origin are the origin's.
function asUpstream(error: unknown): never {
  if (error instanceof SallyportError && error.code === 'unreadable_body')
    throw new SallyportError('upstream_invalid', `the answer cannot be read: ${error.message}`, { cause: error })
  throw error
}

const codingFields = new Set(['content-encoding', 'transfer-encoding'])
const contentLength = new Set(['content-length'])
