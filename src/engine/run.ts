import { asSallyportError, SallyportError } from '../core/errors.ts'
import { admit } from './admit.ts'
import { byPolicy, marked, refusal } from './answer.ts'
import type { Answer, Exchange, Forward, Rooms } from './exchange.ts'
import { askFirst } from './expect.ts'
import { closeRow } from './record.ts'
import { receive } from './response.ts'
import type { Trace } from './trace.ts'
import { startTrace } from './trace.ts'
import { settleUnread } from './unread.ts'

/**
 * The spine: decode, inspect, forward, inspect the answer, send it, record. Every exchange of every door passes here, and there is
 * no other place where policy is enforced. An error in place of `forward` is answered and recorded at once. Settles when the answer has been sent or cannot be; never rejects.
 */
export async function run(rooms: Rooms, exchange: Exchange, forward: Forward | SallyportError): Promise<void> {
  const trace = startTrace(rooms, exchange)
  rooms.metrics.activeExchanges(exchange.door).inc()
  try {
    const answer = await answerTo(rooms, trace, forward)
    await exchange.reply(rooms.markers ? marked(answer, trace) : answer)
    await end(rooms, trace, 'done')
  } catch (thrown) {
    // The answer began and could not be finished: the client left, or the origin broke off.
    trace.error ??= exchange.signal.aborted ? endedBy(exchange.signal).code : asSallyportError(thrown).code
    await end(rooms, trace, 'aborted')
  } finally {
    rooms.metrics.activeExchanges(exchange.door).dec()
  }
}

/**
 * Ends an exchange whose answer has been sent or cannot be. What is still being found out of its client delays the end of a row that is there
 * already, and nobody who waits for this.
 */
export async function end(rooms: Rooms, trace: Trace, state: 'done' | 'aborted'): Promise<void> {
  await settleUnread(trace)
  const asker = trace.opened ? trace.exchange.asker?.settled() : undefined
  if (asker === undefined) return closeRow(rooms, trace, state)
  trace.requestLease.end()
  trace.answerLease.end()
  asker
    .then(() => closeRow(rooms, trace, state))
    .catch((cause: unknown) => rooms.log.error({ exchange: trace.exchange.id, err: cause }, 'a row was not ended'))
}

/** Answers and records an exchange that a door refuses before it reaches the spine: nothing of it is forwarded. */
export async function refuse(rooms: Rooms, exchange: Exchange, error: SallyportError): Promise<void> {
  await run(rooms, { ...exchange, request: { head: exchange.request.head, body: null } }, error)
}

async function answerTo(rooms: Rooms, trace: Trace, forward: Forward | SallyportError): Promise<Answer> {
  const { exchange } = trace
  if (forward instanceof SallyportError) return faulted(rooms, trace, forward)
  const waiting = rooms.recorder.pressure()
  if (waiting !== undefined) await waiting
  try {
    const asked = exchange.ask === undefined ? undefined : await askFirst(rooms, trace)
    return await receive(rooms, trace, asked ?? (await forward(await admit(rooms, trace), trace.policy.digest)))
  } catch (thrown) {
    return faulted(rooms, trace, thrown)
  }
}

/** The answer of our own to what went wrong; rejects when nobody is there to hear it. */
export function faulted(rooms: Rooms, trace: Trace, thrown: unknown): Answer {
  const { exchange } = trace
  if (exchange.signal.aborted) throw endedBy(exchange.signal)
  const error = asSallyportError(thrown)
  if (error.code === 'internal_error') rooms.log.error({ exchange: exchange.id, err: thrown }, 'exchange failed')
  if (error.code.startsWith('upstream_')) rooms.metrics.upstreamErrors.inc({ code: error.code })
  trace.error = error.code
  trace.decision = byPolicy.has(error.code) ? 'block' : 'error'
  trace.status = error.status
  return refusal(error, {
    identified: trace.identified,
    target: exchange.request.head.target,
    exchange: exchange.id,
    headers: exchange.request.head.headers,
  })
}

/** Why a client's signal aborted: it went away, or what it sent could not be read on. */
function endedBy({ reason }: AbortSignal): SallyportError {
  return reason instanceof SallyportError ? reason : new SallyportError('client_aborted', 'the client went away')
}
