import type { Answer } from '../core/http.ts'
import { inspectParts } from '../inspect/pipeline.ts'
import { isRead } from './decode.ts'
import type { Rooms } from './exchange.ts'
import { openRow } from './record.ts'
import { blocked, howToRead, tenantOf } from './request.ts'
import type { Trace } from './trace.ts'
import { factsOf, note } from './trace.ts'

/**
 * Asks the origin about a body that the client holds back until somebody wants it (RFC 9110, 10.1.1) and that would be read here
 * before the origin hears of it. Gives the answer the origin had at once; undefined when it wants the body, or when there is nothing
 * to ask. The row is committed before; what the head alone forbids is not asked.
 */
export async function askFirst(rooms: Rooms, trace: Trace): Promise<Answer | undefined> {
  const { ask, request } = trace.exchange
  if (ask === undefined || request.body === null) return undefined
  if (!isRead({ headers: request.head.headers, body: request.body }, howToRead(rooms, trace))) return undefined
  await judgeHead(rooms, trace)
  await openRow(rooms, trace)
  return ask(trace.policy.digest)
}

/** By the hooks that look at no text. They are heard again, with the others, when the body is there. */
async function judgeHead(rooms: Rooms, trace: Trace): Promise<void> {
  const { request, signal } = trace.exchange
  const bindings = trace.policy
    .bindingsFor(factsOf(trace), 'request')
    .filter(({ hook }) => hook.kind === 'judge' && hook.textless === true)
  const inspection = await inspectParts(
    bindings,
    { stage: 'request', parts: [], bodyBytes: request.body?.length ?? 0, facts: factsOf(trace) },
    { mode: trace.policy.mode, vault: rooms.vault(tenantOf(trace)), now: process.hrtime.bigint, signal },
  )
  if (inspection.decision !== 'block' || trace.policy.mode !== 'enforce') return
  note(rooms, trace, inspection)
  throw blocked(inspection)
}
