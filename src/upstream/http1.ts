import type { Socket } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import { SallyportError } from '../core/errors.ts'
import type { Answer, Request } from '../core/http.ts'
import { bytesAtHand } from '../http/body.ts'
import type { Connector } from './connect.ts'
import { Connection } from './connection.ts'
import type { ConnectionTerms, UpstreamTimes } from './connection.ts'
import { idle } from './idle.ts'
import type { Sending } from './in-flight.ts'
import { keyOf } from './origin.ts'
import type { Origin } from './origin.ts'
import { unchallenged } from './parent.ts'
import { patience } from './patience.ts'
import { requestText } from './request-head.ts'
import type { AbsoluteForm } from './request-head.ts'

export type Http1 = {
  readonly send: (origin: Origin, request: Request, sending: Sending) => Promise<Answer>
  /** Takes a connection that negotiated HTTP/1.1 when HTTP/2 was offered too. */
  readonly adopt: (origin: Origin, socket: Socket) => void
  readonly close: () => Promise<void>
}

/** HTTP/1.1 to origins, over connections that are kept while idle: the one used last is used first. `clock` gives milliseconds that only go up. */
export function http1(connect: Connector, times: UpstreamTimes, clock: () => number = () => performance.now()): Http1 {
  const kept = idle<Connection>({
    perKey: idlePerOrigin,
    total: idleInAll,
    evicted: (connection) => connection.close(),
  })
  const open = connections(times, clock)
  let closed = false

  const terms: ConnectionTerms = {
    times,
    clock,
    patience: patience(clock),
    idle: (connection) => kept.put(connection.key, connection),
    gone(connection) {
      kept.remove(connection.key, connection)
      open.remove(connection)
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

  // The connection is made for whoever is next when its request has gone meanwhile.
  const dial = (origin: Origin, key: string, signal: AbortSignal): Promise<Connection> =>
    new Promise((resolve, reject) => {
      const stop = (): void => reject(aborted())
      signal.addEventListener('abort', stop)
      connect.http(origin, ['http/1.1']).then(
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
    if (sending.signal.aborted) throw aborted()
    const text = requestText(request, form)
    const key = keyOf(origin)
    let before = usable(key)
    while (before !== undefined && before.quietMs >= restedMs && !idempotent.has(request.head.method)) {
      // The origin may have closed it, and this process not have heard: what has come by now is read before a request is lost. The first
      // turn ends the reading that is going on, the second comes after a new one.
      await setImmediate()
      await setImmediate()
      if (sending.signal.aborted) {
        kept.put(key, before)
        throw aborted()
      }
      if (before.usable) break
      before.close()
      before = usable(key)
    }
    if (before === undefined) return (await dial(origin, key, sending.signal)).send(request, text, sending)
    try {
      return await before.send(request, text, sending)
    } catch (error) {
      if (!repeatable(request, before.lost) || sending.signal.aborted) throw error
    }
    return (await dial(origin, key, sending.signal)).send(request, text, sending)
  }

  return {
    send(origin, request, sending) {
      const form = connect.form?.(origin)
      const answer = exchange(origin, request, sending, form)
      return form === undefined ? answer : answer.then(unchallenged)
    },
    adopt: (origin, socket) => {
      const key = keyOf(origin)
      kept.put(key, attach(key, socket))
    },
    async close() {
      closed = true
      open.close()
    },
  }
}

/** All open connections, looked at from time to time by one timer. */
function connections(times: UpstreamTimes, clock: () => number) {
  const open = new Set<Connection>()
  const everyMs = Math.max(minCheckMs, Math.min(maxCheckMs, times.headersTimeoutMs / 4, times.idleTimeoutMs / 4))
  let timer: NodeJS.Timeout | undefined
  const check = (): void => {
    const now = clock()
    for (const connection of open) connection.check(now)
  }
  return {
    add(connection: Connection): void {
      open.add(connection)
      timer ??= setInterval(check, everyMs).unref()
    },
    remove(connection: Connection): void {
      open.delete(connection)
      if (open.size > 0) return
      clearInterval(timer)
      timer = undefined
    },
    close(): void {
      for (const connection of open) connection.close()
    },
  }
}

/** RFC 9110, 9.2.2; and its body must be there to be sent again. Without its body a request has not been received. */
function repeatable({ head, body }: Request, lost: Connection['lost']): boolean {
  if (lost === 'held') return true
  const harmless = lost === 'unsent' || (lost === 'unanswered' && idempotent.has(head.method))
  return harmless && (body === null || bytesAtHand(body) !== undefined)
}

function aborted(): SallyportError {
  return new SallyportError('client_aborted', 'the client went away')
}

const idempotent = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE'])
const restedMs = 1_000
const idlePerOrigin = 256
const idleInAll = 2_000
const minCheckMs = 10
const maxCheckMs = 1_000
