import type { Duplex } from 'node:stream'
import { asSallyportError, SallyportError } from '../core/errors.ts'
import type { ErrorCode } from '../core/errors.ts'
import type { RawHeaders } from '../core/http.ts'
import type { BodyKeeper } from '../audit/bodies/body.ts'
import type { Upgraded } from '../http/upgraded.ts'
import { relayMessages } from '../http/websocket.ts'
import type { Ending } from '../http/websocket.ts'
import { closeCodes } from '../http/websocket-close.ts'
import { agreed } from '../http/websocket-handshake.ts'
import type { Agreed } from '../http/websocket-handshake.ts'
import type { Judge, JudgedMessage, LaterVerdict, MessageVerdict, MessageWay } from '../http/websocket-judge.ts'
import { admit } from './admit.ts'
import { marked } from './answer.ts'
import type { Exchange, Rooms } from './exchange.ts'
import { closing, judgeMessage, modelOf } from './message.ts'
import { noteUnread, postures } from './request.ts'
import { receive } from './response.ts'
import { end, faulted } from './run.ts'
import { said } from './said.ts'
import type { Said } from './said.ts'
import type { Trace } from './trace.ts'
import { startTrace } from './trace.ts'

/** A WebSocket, to its end: one exchange, each message of it through the same inspection as a body. Never rejects. */
export async function runMessages(
  rooms: Rooms,
  exchange: Exchange,
  open: (policy: string) => Promise<Upgraded>,
  accept: (headers: RawHeaders) => { readonly socket: Duplex; readonly head: Buffer },
): Promise<void> {
  const trace = startTrace(rooms, exchange)
  rooms.metrics.activeExchanges(exchange.door).inc()
  try {
    const opened = await upgraded(rooms, trace, open)
    let whole = true
    if (opened.kind === 'answered') await exchange.reply(rooms.markers ? marked(opened.answer, trace) : opened.answer)
    else whole = await converse(rooms, trace, opened, accept(opened.headers))
    await end(rooms, trace, whole ? 'done' : 'aborted')
  } catch (thrown) {
    trace.error ??= exchange.signal.aborted ? 'client_aborted' : asSallyportError(thrown).code
    await end(rooms, trace, 'aborted')
  } finally {
    rooms.metrics.activeExchanges(exchange.door).dec()
  }
}

type Conversation = Extract<Upgraded, { kind: 'upgraded' }> & { readonly agreed: Readable }
type Readable = Exclude<Agreed, { kind: 'invalid' }>

async function upgraded(
  rooms: Rooms,
  trace: Trace,
  open: (policy: string) => Promise<Upgraded>,
): Promise<Conversation | Extract<Upgraded, { kind: 'answered' }>> {
  const waiting = rooms.recorder.pressure()
  if (waiting !== undefined) await waiting
  try {
    trace.request = { ...trace.request, model: modelOf(trace) }
    await admit(rooms, trace)
    const opened = await open(trace.policy.digest)
    if (opened.kind === 'answered') return { kind: 'answered', answer: await receive(rooms, trace, opened.answer) }
    trace.upstreamVersion = opened.version
    return { ...opened, agreed: readable(trace, opened) }
  } catch (thrown) {
    return { kind: 'answered', answer: faulted(rooms, trace, thrown) }
  }
}

/** What was agreed on, where policy can live with it; an origin that chose something else is let go. */
function readable(trace: Trace, opened: Extract<Upgraded, { kind: 'upgraded' }>): Readable {
  const found = agreed(trace.exchange.request.head.headers, opened.headers)
  const refused =
    found.kind === 'invalid'
      ? `the origin answered with ${found.reason}`
      : found.kind === 'unknown' && postures(trace.policy).unreadable === 'block'
        ? `the origin chose the extension ${found.name}, with which messages cannot be read`
        : undefined
  if (found.kind !== 'invalid' && refused === undefined) return found
  opened.socket.on('error', () => undefined).destroy()
  throw new SallyportError('upstream_invalid', refused ?? '')
}

/** True when it ended in order, or as policy wants it. */
async function converse(
  rooms: Rooms,
  trace: Trace,
  opened: Conversation,
  accepted: { socket: Duplex; head: Buffer },
): Promise<boolean> {
  trace.status = trace.exchange.request.head.version === '2' ? 200 : 101
  trace.firstByteMs = Math.round((performance.now() - trace.startedAt) * 1_000) / 1_000
  const { socket, head } = accepted
  if (head.length > 0) socket.unshift(head)
  if (opened.head.length > 0) opened.socket.unshift(opened.head)
  const keepers =
    rooms.store === 'none'
      ? undefined
      : { up: rooms.keeper(trace.exchange.id, 'request'), down: rooms.keeper(trace.exchange.id, 'response') }
  const heard = said(rooms, trace, keepers?.down)
  const ending = await relayMessages(socket, opened.socket, judge(rooms, trace, keepers, heard), {
    agreed: opened.agreed,
    limit: rooms.inspectBytes,
    room: rooms.budget,
    unread: unreadMessages(trace, opened.agreed),
    silenceMs: opened.silenceMs,
  })
  await heard.finish()
  await keepConversation(trace, keepers)
  return concluded(trace, ending)
}

type Keepers = { readonly up: BodyKeeper; readonly down: BodyKeeper } | undefined

function judge(rooms: Rooms, trace: Trace, keepers: Keepers, heard: Said): Judge {
  // Of protocols that nobody knows each message says what it says: none waits for another.
  const streams = trace.identified.operation !== 'unknown'
  const one = async (way: MessageWay, message: JudgedMessage): Promise<MessageVerdict | LaterVerdict> => {
    // Its few bytes are no content; but they may carry what is.
    if (!message.control) count(trace, way, message.bytes)
    if (message.text !== undefined) {
      const keeper = message.control ? undefined : keepers?.[way]
      try {
        if (way === 'down' && streams && !message.control) return await heard.judge(message.text)
        return await judgeMessage(rooms, trace, way, message.text, keeper)
      } catch (err) {
        if (!trace.exchange.signal.aborted) rooms.log.error({ exchange: trace.exchange.id, err }, 'exchange failed')
        throw err
      }
    }
    if (!message.control) {
      trace.notInspected ??= 'binary message'
      const refused = way === 'up' ? noteUnread(trace, ['binary']) : undefined
      if (refused !== undefined) return closing(trace, refused)
    }
    // More than a number that a pong is known by.
    else if (message.bytes > 16) trace.notInspected ??= 'binary control frame'
    return { kind: 'pass' }
  }
  const flush = async (way: MessageWay): Promise<void> => (way === 'down' ? heard.flush() : undefined)
  return Object.assign(one, { flush })
}

/** What may pass unread, and how that is recorded; undefined where policy says that nothing may. */
function unreadMessages(trace: Trace, found: Agreed): ((way: MessageWay, bytes: number) => void) | undefined {
  if (found.kind !== 'unknown' && postures(trace.policy).oversize === 'block') return undefined
  const why = found.kind === 'unknown' ? `WebSocket extension ${found.name}` : 'oversize message'
  return (way, bytes) => {
    count(trace, way, bytes)
    trace.notInspected = why
  }
}

function count(trace: Trace, way: MessageWay, bytes: number): void {
  if (way === 'up') trace.requestBytes += bytes
  else trace.responseBytes += bytes
}

function concluded(trace: Trace, ending: Ending): boolean {
  if (ending.kind === 'closed') return true
  if (ending.kind === 'broken') {
    trace.error ??= ending.by === 'client' ? 'client_aborted' : 'upstream_closed'
    return false
  }
  const { code, way } = ending
  if (code === closeCodes.tooBig) trace.decision = 'block'
  trace.error ??= endings[code] ?? (way === 'down' ? 'upstream_invalid' : 'malformed_request')
  return code === closeCodes.policyViolation || code === closeCodes.tooBig
}

const endings: Readonly<Record<number, ErrorCode>> = {
  [closeCodes.goingAway]: 'upstream_timeout',
  [closeCodes.policyViolation]: 'sallyport_blocked',
  [closeCodes.tooBig]: 'sallyport_too_large',
  [closeCodes.internalError]: 'internal_error',
  [closeCodes.tryAgainLater]: 'overloaded',
}

async function keepConversation(trace: Trace, keepers: Keepers): Promise<void> {
  if (keepers === undefined) return
  const up = await keepers.up.finish()
  trace.requestContent = {
    requestBytes: trace.requestBytes,
    requestBody: up.inline,
    requestSpill: up.spill,
    requestSha256: up.sha256,
    requestTruncated: up.truncated,
  }
  trace.requestNotKept = up.error
  trace.responseContent = await keepers.down.finish()
}
