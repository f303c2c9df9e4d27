import { request as httpRequest } from 'node:http'
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Answer, RawHeaders, Request } from '../core/http.ts'
import { streamBody } from '../http/body.ts'
import { contentLength } from '../http/headers.ts'
import type { Connector } from './connect.ts'
import { upstreamFault } from './faults.ts'

export type Upgraded =
  | { readonly kind: 'upgraded'; readonly headers: RawHeaders; readonly socket: Duplex; readonly head: Buffer }
  | { readonly kind: 'answered'; readonly answer: Answer }

/** Asks an origin to leave HTTP/1.1 (RFC 9110, 7.8), on a connection of its own, with the client's own fields. */
export async function upgradeUpstream(connect: Connector, request: Request, headers: RawHeaders, signal: AbortSignal): Promise<Upgraded> {
  const { method, target } = request.head
  const socket = await connect.http(target, ['http/1.1'], signal)
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest({ createConnection: () => socket, method, path: `${target.path}${target.query}`, headers: [...headers], setHost: false, signal })
    outgoing.once('upgrade', (response: IncomingMessage, upgraded: Duplex, head: Buffer) => {
      resolve({ kind: 'upgraded', headers: response.rawHeaders, socket: upgraded, head })
    })
    outgoing.once('response', (response: IncomingMessage) => resolve({ kind: 'answered', answer: answerOf(response) }))
    outgoing.once('error', (error: Error) => {
      socket.destroy()
      reject(upstreamFault(error))
    })
    outgoing.end()
  })
}

function answerOf(response: IncomingMessage): Answer {
  return {
    head: { status: response.statusCode ?? 502, reason: response.statusMessage ?? '', headers: response.rawHeaders, version: '1.1' },
    body: streamBody(response, contentLength(response.rawHeaders), () => response.rawTrailers),
  }
}
