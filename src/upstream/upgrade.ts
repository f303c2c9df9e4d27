import type { Duplex } from 'node:stream'
import { SallyportError } from '../core/errors.ts'
import type { Answer, RawHeaders, Request } from '../core/http.ts'
import type { Connector } from './connect.ts'
import { Connection } from './connection.ts'
import { bareText } from './request-head.ts'

export type Upgraded =
  | { readonly kind: 'upgraded'; readonly headers: RawHeaders; readonly socket: Duplex; readonly head: Buffer }
  | { readonly kind: 'answered'; readonly answer: Answer }

/** Asks an origin to leave HTTP/1.1 (RFC 9110, 7.8), on a connection of its own, with the client's own fields. The socket comes paused. */
export async function upgradeUpstream(
  connect: Connector,
  request: Request,
  headers: RawHeaders,
  signal: AbortSignal,
): Promise<Upgraded> {
  const text = { text: bareText(request, headers), chunked: false, expects: false }
  const { target } = request.head
  // A parent proxy is to carry what is no HTTP any more: through a tunnel (RFC 6455, 4.1).
  const socket =
    target.scheme === 'http' ? await connect.tcp(target, signal) : await connect.http(target, ['http/1.1'], signal)
  const connection = new Connection('', socket, {
    times: { headersTimeoutMs: Number.POSITIVE_INFINITY, idleTimeoutMs: Number.POSITIVE_INFINITY },
    clock: () => 0,
    idle: (one) => one.close(),
    gone: () => undefined,
  })
  const bare: Request = { head: request.head, body: null }
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => connection.fail(new SallyportError('upstream_timeout', 'the origin took too long')),
      handshakeMs,
    )
    const sending = { signal, inform: () => undefined }
    const switched = (fields: RawHeaders, head: Buffer): void =>
      settle({ kind: 'upgraded', headers: fields, socket, head })
    const settle = (upgraded: Upgraded): void => {
      clearTimeout(timer)
      resolve(upgraded)
    }
    connection.send(bare, text, sending, switched).then(
      (answer) => settle({ kind: 'answered', answer }),
      (error: Error) => {
        clearTimeout(timer)
        reject(error)
      },
    )
  })
}

const handshakeMs = 60_000
