import { createHash } from 'node:crypto'
import type { Request } from '../core/http.ts'
import { bytesBody, collect, madeBody } from '../http/body.ts'
import { inspectParts } from '../inspect/pipeline.ts'
import type { Rooms } from './exchange.ts'
import { blocked, tenantOf } from './request.ts'
import type { Trace } from './trace.ts'
import { factsOf, note } from './trace.ts'
import { passing } from './unread.ts'

/**
 * Asks the door whether the request proves that it has been inspected already. Gives the request with what of its body had to be read for
 * that, and whether it is to be inspected as any other.
 */
export async function provedRequest(trace: Trace): Promise<{ request: Request; proved: boolean }> {
  const { attest, request } = trace.exchange
  if (attest === undefined) return { request, proved: false }
  let read: Promise<Read> | undefined
  const { proved, record } = await attest(async () => (await (read ??= readFor(trace, request))).sha256)
  trace.attestation = record
  const known = read === undefined ? request : (await read).request
  // Its bytes are left, without a text; who reads them counts them anew.
  trace.requestLease.shrink(proved ? (known.body?.length ?? 0) : 0)
  return { request: known, proved }
}

/** A request that nobody looks into any more, ready to go. Who may come, from where and how often is asked all the same. */
export async function unreadRequest(rooms: Rooms, trace: Trace, request: Request): Promise<Request> {
  const bindings = trace.policy
    .bindingsFor(factsOf(trace), 'request')
    .filter(({ hook }) => hook.kind === 'judge' && (hook.textless === true || hook.placeless === true))
  if (bindings.length > 0) {
    const { signal } = trace.exchange
    const inspection = await inspectParts(
      bindings,
      { stage: 'request', parts: [], bodyBytes: request.body?.length ?? 0, facts: factsOf(trace) },
      { mode: trace.policy.mode, vault: rooms.vault(tenantOf(trace)), now: process.hrtime.bigint, signal },
    )
    note(rooms, trace, inspection)
    if (inspection.decision === 'block' && trace.policy.mode === 'enforce') throw blocked(inspection)
  }
  trace.decision = 'attested'
  const { head, body } = request
  return { head, body: body === null ? null : passing(rooms, trace, 'request', body) }
}

type Read = { readonly request: Request; readonly sha256: string }

/** Of no bytes where the length is not known beforehand, or is too much: such a body is nobody's word. */
async function readFor({ requestLease }: Trace, { head, body }: Request): Promise<Read> {
  if (body?.length === undefined || body.length === 0 || body.length > maxBytes)
    return { request: { head, body }, sha256: ofNothing }
  const collected = await collect(body, maxBytes, requestLease)
  if (collected.kind === 'over') return { request: { head, body: collected.rest }, sha256: ofNothing }
  const { bytes } = collected
  const whole = bytesBody(bytes)
  const trailers = body.trailers()
  const again = trailers.length === 0 ? whole : madeBody(whole, bytes.length, () => trailers)
  return { request: { head, body: again }, sha256: await sha256Of(bytes) }
}

/** On another thread where it would hold the others up. */
async function sha256Of(bytes: Buffer): Promise<string> {
  if (bytes.length <= atOnce) return createHash('sha256').update(bytes).digest('hex')
  return Buffer.from(await crypto.subtle.digest('SHA-256', bytes as Buffer<ArrayBuffer>)).toString('hex')
}

const ofNothing = createHash('sha256').digest('hex')
const maxBytes = 8_388_608
const atOnce = 262_144
