import type { Socket } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import type { Answer, Request } from '../core/http.ts'
import { bytesAtHand } from '../http/body.ts'
import { checks } from './checks.ts'
import type { Connector } from './connect.ts'
import { Connection } from './connection.ts'
import type { ConnectionTerms } from './connection.ts'
import { clientAborted } from './faults.ts'
import { idle } from './idle.ts'
import type { Sending } from './in-flight.ts'
import { keyOf } from './origin.ts'
import type { Origin } from './origin.ts'
import { formVia, unchallenged } from './parent.ts'
import { patience } from './patience.ts'
import { requestText } from './request-head.ts'
import type { AbsoluteForm } from './request-head.ts'
import { checkEveryMs } from './times.ts'
import type { UpstreamTimes } from './times.ts'

export type Http1 = {
  readonly send: (origin: Origin, request: Request, sending: Sending) => Promise<Answer>
  /** Takes a connection that negotiated HTTP/1.1 when HTTP/2 was offered too. */
  readonly adopt: (origin: Origin, socket: Socket) => void
  /** Lets what is in flight finish, and keeps no connection any more. */
  readonly retire: () => void
  readonly close: () => Promise<void>
}

/** HTTP/1.1 to origins, over connections that are kept while idle: the one used last is used first. `clock` gives milliseconds that only go up. */
export function http1(connect: Connector, times: UpstreamTimes, clock: () => number = () => performance.now()): Http1 {
  const kept = idle<Connection>({
    perKey: idlePerOrigin,
    total: idleInAll,
    evicted: (connection) => connection.close(),
  })
  const open = checks<Connection>(checkEveryMs(times), clock)
  let retired = false
  let closed = false

  const terms: ConnectionTerms = {
    times,
    clock,
    patience: patience(clock),
    stampOf: connect.stampOf,
    idle: (connection) => (retired ? connection.close() : kept.put(connection.key, connection)),
    gone(connection) {
      kept.remove(connection.key, connection)
      open.delete(connection)
    },
  }

  const attach = (key: string, socket: Socket): Connection => {
    const connection = new Connection(key, socket, terms)
    open.add(connection)
    if (closed) connection.close()
    return connection
  }

  const usable = (key: string): Connection | undefined => {
    for (let one = kept.take(key); one !== undefined; one = kept.take(key)) {
      if (one.usable) return one
      one.close()
    }
    return undefined
  }

  /** A kept connection, this or another one, that has been listened to if it rested: its origin may have closed it without our having heard. */
  const listenedTo = async (first: Connection, signal: AbortSignal): Promise<Connection | undefined> => {
    for (let one: Connection | undefined = first; one !== undefined; one = usable(first.key)) {
      if (one.quietMs < restedMs) return one
      // The first turn ends the reading that is going on, the second comes after a new one.
      await setImmediate()
      await setImmediate()
      if (signal.aborted) {
        kept.put(one.key, one)
        throw clientAborted()
      }
      if (one.usable) return one
      one.close()
    }
    return undefined
  }

  // The connection is made for whoever is next when its request has gone meanwhile.
  const dial = (origin: Origin, key: string, { signal, via }: Sending): Promise<Connection> =>
    new Promise((resolve, reject) => {
      const stop = (): void => reject(clientAborted())
      signal.addEventListener('abort', stop)
      connect.http(origin, ['http/1.1'], undefined, via).then(
        (socket) => {
          signal.removeEventListener('abort', stop)
          const connection = attach(key, socket)
          if (signal.aborted) kept.put(key, connection)
          else resolve(connection)
        },
        (error: Error) => {
          signal.removeEventListener('abort', stop)
          reject(error)
        },
      )
    })

  const exchange = async (
    origin: Origin,
    request: Request,
    sending: Sending,
    form: AbsoluteForm | undefined,
  ): Promise<Answer> => {
    if (sending.signal.aborted) throw clientAborted()
    const text = requestText(request, form)
    const key = keyOf(origin)
    let before = usable(key)
    if (before !== undefined && before.quietMs >= restedMs && !idempotent.has(request.head.method)) {
      before = await listenedTo(before, sending.signal)
    }
    if (before === undefined) return (await dial(origin, key, sending)).send(request, text, sending)
    try {
      return await before.send(request, text, sending)
    } catch (error) {
      if (!repeatable(request, before.lost) || sending.signal.aborted) throw error
    }
    return (await dial(origin, key, sending)).send(request, text, sending)
  }

  return {
    send(origin, request, sending) {
      const form = connect.form?.(origin)
      const answer = exchange(origin, request, sending, form && formVia(form, sending.via))
      return form === undefined ? answer : answer.then(unchallenged)
    },
    adopt: (origin, socket) => {
      const key = keyOf(origin)
      kept.put(key, attach(key, socket))
    },
    retire() {
      retired = true
      for (const connection of open.all()) if (!connection.busy) connection.close()
    },
    async close() {
      closed = true
      for (const connection of open.all()) connection.close()
    },
  }
}

/** RFC 9110, 9.2.2; and its body must be there to be sent again. Without its body a request has not been received. */
function repeatable({ head, body }: Request, lost: Connection['lost']): boolean {
  if (lost === 'held') return true
  const harmless = lost === 'unsent' || (lost === 'unanswered' && idempotent.has(head.method))
  return harmless && (body === null || bytesAtHand(body) !== undefined)
}

const idempotent = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE'])
const restedMs = 1_000
const idlePerOrigin = 256
const idleInAll = 2_000
