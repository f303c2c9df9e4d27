import type { Duplex } from 'node:stream'
import { asSallyportError } from '../core/errors.ts'
import type { Answer, RawHeaders } from '../core/http.ts'
import type { BodyKeeper } from '../audit/body.ts'
import { relayMessages } from '../http/websocket.ts'
import type { MessageVerdict, MessageWay } from '../http/websocket.ts'
import { inspectParts } from '../inspect/pipeline.ts'
import { applyEdits } from '../providers/json-text.ts'
import type { Exchange, Rooms } from './exchange.ts'
import { closeRow } from './record.ts'
import { admit, blocked, tenantOf } from './request.ts'
import { receive } from './response.ts'
import { faulted } from './run.ts'
import type { Trace } from './trace.ts'
import { factsOf, note, startTrace } from './trace.ts'

/** The origin's word on an upgrade. */
export type Opened =
  | { readonly kind: 'upgraded'; readonly headers: RawHeaders; readonly socket: Duplex; readonly head: Buffer }
  | { readonly kind: 'answered'; readonly answer: Answer }

/** A WebSocket, to its end: one exchange, each message of it through the same inspection as a body. Never rejects. */
export async function runMessages(
  rooms: Rooms,
  exchange: Exchange,
  open: () => Promise<Opened>,
  accept: (headers: RawHeaders) => { readonly socket: Duplex; readonly head: Buffer },
): Promise<void> {
  const trace = startTrace(rooms, exchange)
  rooms.metrics.activeExchanges(exchange.door).inc()
  try {
    const opened = await upgraded(rooms, trace, open)
    if (opened.kind === 'answered') await exchange.reply(opened.answer)
    else await converse(rooms, trace, opened, accept(opened.headers))
    closeRow(rooms, trace, 'done')
  } catch (thrown) {
    trace.error ??= exchange.signal.aborted ? 'client_aborted' : asSallyportError(thrown).code
    closeRow(rooms, trace, 'aborted')
  } finally {
    rooms.metrics.activeExchanges(exchange.door).dec()
  }
}

async function upgraded(rooms: Rooms, trace: Trace, open: () => Promise<Opened>): Promise<Opened> {
  try {
    await admit(rooms, trace)
    const opened = await open()
    return opened.kind === 'upgraded'
      ? opened
      : { kind: 'answered', answer: await receive(rooms, trace, opened.answer) }
  } catch (thrown) {
    return { kind: 'answered', answer: faulted(rooms, trace, thrown) }
  }
}

async function converse(
  rooms: Rooms,
  trace: Trace,
  opened: Extract<Opened, { kind: 'upgraded' }>,
  accepted: { socket: Duplex; head: Buffer },
): Promise<void> {
  trace.status = 101
  trace.upstreamVersion = '1.1'
  const { socket, head } = accepted
  if (head.length > 0) socket.unshift(head)
  if (opened.head.length > 0) opened.socket.unshift(opened.head)
  const keepers =
    rooms.store === 'none'
      ? undefined
      : { up: rooms.keeper(trace.exchange.id, 'request'), down: rooms.keeper(trace.exchange.id, 'response') }
  const judge = async (
    way: MessageWay,
    message: { text: string | undefined; bytes: number },
  ): Promise<MessageVerdict> => {
    if (way === 'up') trace.requestBytes += message.bytes
    else trace.responseBytes += message.bytes
    if (message.text === undefined) {
      trace.notInspected ??= 'binary message'
      return { kind: 'pass' }
    }
    return judgeText(rooms, trace, way, message.text, keepers?.[way])
  }
  await relayMessages(socket, opened.socket, judge, { extensions: opened.headers, limit: rooms.inspectBytes })
  await keepConversation(trace, keepers)
}

async function judgeText(
  rooms: Rooms,
  trace: Trace,
  way: MessageWay,
  text: string,
  keeper: BodyKeeper | undefined,
): Promise<MessageVerdict> {
  const stage = way === 'up' ? 'request' : 'response'
  const { provider, operation } = trace.identified
  const about = { operation, target: trace.exchange.request.head.target, contentType: 'application/json' }
  const { parts } = way === 'up' ? provider.readRequest(text, about) : provider.readAnswer(text, about)
  const inspection = await inspectParts(
    trace.policy.bindingsFor(factsOf(trace), stage),
    { stage, parts, bodyBytes: text.length, facts: factsOf(trace), known: trace.found },
    {
      mode: trace.policy.mode,
      vault: rooms.vault(tenantOf(trace)),
      now: process.hrtime.bigint,
      signal: trace.exchange.signal,
    },
  )
  note(rooms, trace, inspection)
  // Bounded: a conversation may be long, and what the answer may quote is mostly recent.
  if (way === 'up') trace.found = [...trace.found, ...inspection.found].slice(-200)
  const kept = rooms.store === 'full' ? text : applyEdits(text, inspection.storeEdits)
  const waiting = keeper?.write(Buffer.from(`${kept}\n`))
  if (waiting !== undefined) await waiting
  if (inspection.decision === 'block' && trace.policy.mode === 'enforce')
    return { kind: 'close', reason: blocked(inspection).message }
  return inspection.edits.length === 0
    ? { kind: 'pass' }
    : { kind: 'replace', text: applyEdits(text, inspection.edits) }
}

async function keepConversation(
  trace: Trace,
  keepers: { up: BodyKeeper; down: BodyKeeper } | undefined,
): Promise<void> {
  if (keepers === undefined) return
  const up = await keepers.up.finish()
  trace.requestContent = {
    requestBytes: trace.requestBytes,
    requestBody: up.inline,
    requestSpill: up.spill,
    requestSha256: up.sha256,
    requestTruncated: up.truncated,
  }
  trace.responseContent = await keepers.down.finish()
}
