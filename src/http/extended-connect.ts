import { constants } from 'node:http2'
import type { ServerHttp2Stream } from 'node:http2'
import type { RawHeaders } from '../core/http.ts'
import type { Handlers, Incoming } from './incoming.ts'

/**
 * An extended CONNECT (RFC 8441): what HTTP/1.1 does with `Upgrade: websocket`, and handled as one, with the GET it stands for. Other
 * protocols are 501. `fields` makes of headers what Node takes.
 */
export function takeExtendedConnect<C>(
  stream: ServerHttp2Stream,
  protocol: string,
  incoming: Incoming<C>,
  handlers: Handlers<C>,
  fields: (headers: RawHeaders) => Record<string, string | string[]>,
): void {
  // After a refusal the client has nothing more to say.
  const over = (): void => {
    if (!stream.closed) stream.close(constants.NGHTTP2_NO_ERROR)
  }
  if (protocol.toLowerCase() !== 'websocket') {
    const { context, method, target, version } = incoming
    const message = 'CONNECT with a protocol that is not supported'
    handlers.refused(context, { code: 'unsupported_method', message }, { method, target, version })
    stream.respond(
      { ':status': 501, 'sallyport-error': 'unsupported_method', 'content-type': 'text/plain; charset=utf-8' },
      withoutDate,
    )
    return void stream.once('finish', over).end(`${message}\n`)
  }
  const send: Incoming<C>['send'] = async (answer) => {
    await incoming.send(answer)
    over()
  }
  const accept = (headers: RawHeaders): { socket: ServerHttp2Stream; head: Buffer } => {
    stream.respond({ ':status': 200, ...fields(headers) }, { endStream: false, ...withoutDate })
    return { socket: stream, head: Buffer.alloc(0) }
  }
  handlers
    .upgrade({ incoming: { ...incoming, method: 'GET', body: null, send }, accept })
    .catch(() => stream.close(constants.NGHTTP2_INTERNAL_ERROR))
}

// Missing from the type declarations: without it Node adds a Date that the origin did not send.
const withoutDate: object = { sendDate: false }
