import { SallyportError } from '../core/errors.ts'
import type { RawHeaders, Request } from '../core/http.ts'
import { headerOf, withoutHeaders } from '../core/http.ts'
import type { Edit, Media, TextPart } from '../core/text.ts'
import { bytesBody, trailedBody } from '../http/body.ts'
import { mediaType, withHeader } from '../http/headers.ts'
import { inspectParts } from '../inspect/pipeline.ts'
import { headTexts } from '../providers/head-texts.ts'
import { applyEdits, encodeBody } from '../providers/json-text.ts'
import { mediaNamed } from '../providers/media.ts'
import type { PolicySet } from '../policy/compile.ts'
import { decode } from './decode.ts'
import type { Decoded, HowToRead } from './decode.ts'
import type { Exchange, Rooms } from './exchange.ts'
import type { Trace } from './trace.ts'
import { factsOf, note } from './trace.ts'
import { passing } from './unread.ts'

/** Decodes and inspects the request. Gives the same bytes, or the same bytes but for the edits. Rejects with SallyportError when policy says so. */
export async function readRequest(rooms: Rooms, trace: Trace, request: Request): Promise<Request> {
  const decoded = await decode(
    { headers: request.head.headers, body: request.body },
    howToRead(rooms, trace),
    trace.requestLease,
  )
  const began = performance.now()
  const inspected = await inspectRequest(rooms, trace, decoded)
  trace.addedMs += performance.now() - began
  // What it spelled has been read: its bytes are left, until the answer begins.
  if (inspected.body?.length !== undefined) trace.requestLease.shrink(inspected.body.length)
  return inspected
}

/** How the body of a request is read for inspection. */
export function howToRead(rooms: Rooms, { exchange, policy, identified: { operation } }: Trace): HowToRead {
  return {
    limit: rooms.inspectBytes,
    ...postures(policy),
    alwaysText: operation !== 'unknown',
    looksInto: maybeText(exchange.request.head.headers),
    neverBinary: operation !== 'unknown' && !uploads.has(operation),
  }
}

/** Media that a server might read as text or hold texts, whatever the path: all but those that are streamed for long. */
function maybeText(headers: RawHeaders): boolean {
  return !/^(audio|video|image|font)\/|^application\/(grpc|connect\+)/.test(mediaType(headers))
}

/** What happens to a body that cannot be inspected; nothing is stopped where policy only observes. */
export function postures(policy: PolicySet): Pick<PolicySet, 'oversize' | 'unreadable'> {
  const { mode, oversize, unreadable } = policy
  return mode === 'observe' ? { oversize: 'allow', unreadable: 'allow' } : { oversize, unreadable }
}

async function inspectRequest(rooms: Rooms, trace: Trace, decoded: Decoded): Promise<Request> {
  const { request, signal } = trace.exchange
  const parts = readParts(trace, decoded)
  const bound = trace.policy.bindingsFor(factsOf(trace), 'request')
  // The record must not say that they looked and found nothing; they do look at what stands in the head.
  const bindings =
    decoded.kind === 'opaque' && parts.length === 0 ? bound.filter(({ hook }) => hook.kind !== 'detector') : bound
  const bodyBytes = decoded.kind === 'text' ? decoded.bytes.length : (request.body?.length ?? 0)
  const inspection = await inspectParts(
    bindings,
    { stage: 'request', parts, bodyBytes, facts: factsOf(trace) },
    {
      mode: trace.policy.mode,
      vault: rooms.vault(tenantOf(trace)),
      memo: rooms.memo(tenantOf(trace)),
      now: process.hrtime.bigint,
      signal,
    },
  )
  note(rooms, trace, inspection)
  keep(
    rooms,
    trace,
    decoded,
    inspection.storeEdits.filter(({ part }) => part.head !== true),
  )
  trace.found = inspection.found
  if (inspection.decision === 'block' && trace.policy.mode === 'enforce') throw blocked(inspection)
  return forwarded(rooms, trace, decoded, inspection.edits)
}

function readParts(trace: Trace, decoded: Decoded): readonly TextPart[] {
  const head = headTexts(trace.exchange.request.head)
  if (decoded.kind === 'opaque') {
    trace.notInspected = decoded.why
    if (decoded.why.includes('/')) mayPass(noteUnread(trace, [mediaNamed(decoded.why)]))
  }
  if (decoded.kind !== 'text') return head
  trace.requestBytes = decoded.bytes.length
  const { target, headers } = trace.exchange.request.head
  const { provider, operation } = trace.identified
  const reading = provider.readRequest(decoded.text, {
    operation,
    target,
    contentType: headerOf(headers, 'content-type') ?? '',
  })
  trace.request = reading.facts
  mayPass(noteUnread(trace, reading.unread))
  return head.length === 0 ? reading.parts : [...reading.parts, ...head]
}

function mayPass(refused: SallyportError | undefined): void {
  if (refused !== undefined) throw refused
}

/** Records what of a message could not be read. The error is there when policy wants nobody to send it. */
export function noteUnread(trace: Trace, unread: readonly Media[]): SallyportError | undefined {
  if (unread.length === 0) return undefined
  const { mode, opaque } = trace.policy
  trace.notInspected ??= unread.join(', ')
  const refused = mode === 'observe' ? undefined : unread.find((kind) => opaque[kind] === 'block')
  if (refused === undefined) return undefined
  return new SallyportError('opaque_content', `policy lets nothing pass that cannot be inspected: ${refused}`)
}

/** The error that a blocking inspection becomes; names the rule, never what was found. */
export function blocked(inspection: {
  readonly rule: string | null
  readonly failed: { readonly hook: string } | null
  readonly retryAfterSeconds?: number | null
}): SallyportError {
  const { retryAfterSeconds } = inspection
  if (inspection.failed !== null)
    return new SallyportError('hook_failed', `the check "${inspection.rule ?? inspection.failed.hook}" could not run`)
  if (typeof retryAfterSeconds === 'number')
    return new SallyportError('rate_limited', `over the limit of the policy rule "${inspection.rule}"`, {
      retryAfterSeconds,
    })
  return new SallyportError('sallyport_blocked', `blocked by the policy rule "${inspection.rule ?? 'unnamed'}"`)
}

function keep(rooms: Rooms, trace: Trace, decoded: Decoded, storeEdits: readonly Edit[]): void {
  // What was not inspected is not kept: it may hold what policy would have found.
  if (decoded.kind !== 'text' || rooms.store === 'none') return
  const clean = rooms.store === 'full' || storeEdits.length === 0
  const stored = rooms
    .keeper(trace.exchange.id, 'request')
    .whole(
      clean && !decoded.coded
        ? decoded.bytes
        : encodeBody(clean ? decoded.text : applyEdits(decoded.text, storeEdits), decoded.charset),
    )
  trace.requestContent = {
    requestBytes: trace.requestBytes,
    requestBody: stored.inline,
    requestSpill: stored.spill,
    requestContent: stored.content,
    requestSha256: stored.sha256,
    requestTruncated: stored.truncated,
  }
}

function forwarded(rooms: Rooms, trace: Trace, decoded: Decoded, edits: readonly Edit[]): Request {
  const { request } = trace.exchange
  if (decoded.kind === 'none') return request
  if (decoded.kind === 'opaque') return { head: request.head, body: passing(rooms, trace, 'request', decoded.body) }
  const trailers = request.body?.trailers() ?? []
  if (edits.length === 0) return collected(request.head, decoded.bytes, trailers)
  const bytes = encodeBody(applyEdits(decoded.text, edits), decoded.charset)
  const headers = withoutHeaders(request.head.headers, contentEncoding)
  return collected({ ...request.head, headers }, bytes, trailers)
}

function collected(head: Request['head'], bytes: Uint8Array, trailers: RawHeaders): Request {
  if (trailers.length === 0) return { head: withLength(head, bytes.length), body: bytesBody(bytes) }
  return { head: { ...head, headers: withoutHeaders(head.headers, contentLength) }, body: trailedBody(bytes, trailers) }
}

// The whole body is at hand, so it is sent with a length, however it came.
function withLength<H extends { readonly headers: RawHeaders }>(head: H, length: number): H {
  if (headerOf(head.headers, 'content-length') === String(length)) return head
  return {
    ...head,
    headers: withHeader(withoutHeaders(head.headers, transferEncoding), 'Content-Length', String(length)),
  }
}

/** Whose placeholders: those of one principal, or of one address without one, never resolve for another. */
export function tenantOf({ exchange }: { readonly exchange: Pick<Exchange, 'principal' | 'clientIp'> }): string {
  return exchange.principal === null ? `address ${exchange.clientIp}` : `principal ${exchange.principal}`
}

const contentEncoding = new Set(['content-encoding'])
const contentLength = new Set(['content-length'])
const transferEncoding = new Set(['transfer-encoding'])
// Operations whose body may be a file.
const uploads: ReadonlySet<string> = new Set(['files', 'audio', 'images', 'batches'])
