import type { Socket } from 'node:net'
import type { Answer, RawHeaders, Request } from '../core/http.ts'
import type { Connector } from './connect.ts'
import { Connection } from './connection.ts'
import { tooLate } from './faults.ts'
import type { Carriage } from './in-flight.ts'
import type { Origin } from './origin.ts'
import { bareText } from './request-head.ts'
import { handshakeMs } from './times.ts'
import type { UpstreamTimes } from './times.ts'

export type Switched =
  | { readonly kind: 'switched'; readonly headers: RawHeaders; readonly socket: Socket; readonly head: Buffer }
  | { readonly kind: 'answered'; readonly answer: Answer; readonly close: () => void }

/** Asks an origin to leave HTTP/1.1 (RFC 9110, 7.8), on a connection of its own, with exactly these fields. The socket comes paused. */
export async function switchHttp1(
  connect: Connector,
  origin: Origin,
  request: Request,
  signal: AbortSignal,
  times: UpstreamTimes,
  carriage: Carriage = {},
): Promise<Switched> {
  const text = { text: bareText(request, request.head.headers), chunked: false, expects: false }
  // Through a parent proxy what is no HTTP any more goes in a tunnel (RFC 6455, 4.1).
  const socket = await (origin.scheme === 'http'
    ? connect.tcp(origin, signal, carriage.via)
    : connect.http(origin, ['http/1.1'], signal, carriage.via))
  const connection = new Connection('', socket, {
    times: { headersTimeoutMs: Number.POSITIVE_INFINITY, idleTimeoutMs: Number.POSITIVE_INFINITY },
    clock: () => 0,
    stampOf: connect.stampOf,
    idle: (one) => one.close(),
    gone: () => undefined,
  })
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => connection.fail(tooLate()), handshakeMs(times))
    const settle = (switched: Switched): void => {
      clearTimeout(timer)
      resolve(switched)
    }
    const switched = (headers: RawHeaders, head: Buffer): void => settle({ kind: 'switched', headers, socket, head })
    connection.send(request, text, { ...carriage, signal, inform: () => undefined }, switched).then(
      (answer) => settle({ kind: 'answered', answer, close: () => connection.close() }),
      (error: Error) => {
        clearTimeout(timer)
        reject(error)
      },
    )
  })
}
