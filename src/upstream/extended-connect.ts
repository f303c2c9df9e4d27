import { constants } from 'node:http2'
import type { ClientHttp2Stream, IncomingHttpHeaders } from 'node:http2'
import { SallyportError } from '../core/errors.ts'
import type { Answer, RawHeaders, Request } from '../core/http.ts'
import { headerOf } from '../core/http.ts'
import { streamBody } from '../http/body.ts'
import { grouped } from '../http/field-section.ts'
import { contentLength } from '../http/headers.ts'
import { endsOnlyWhole } from '../http/stream-reset.ts'
import { clientAborted, tooLate, upstreamFault } from './faults.ts'
import { release } from './http2.ts'
import type { Http2Session } from './http2.ts'
import type { Carriage } from './in-flight.ts'
import { handshakeMs } from './times.ts'
import type { UpstreamTimes } from './times.ts'

export type Connected =
  | { readonly kind: 'connected'; readonly headers: RawHeaders; readonly socket: ClientHttp2Stream }
  | { readonly kind: 'answered'; readonly answer: Answer }

/** An extended CONNECT (RFC 8441) with these fields, on a session that has been counted in `open` and allows it. */
export function extendedConnect(
  on: Http2Session,
  { head }: Request,
  headers: RawHeaders,
  signal: AbortSignal,
  times: UpstreamTimes,
  { carried }: Carriage = {},
): Promise<Connected> {
  return new Promise((resolve, reject) => {
    const { target } = head
    const fields = grouped(headers)
    const authority = headerOf(headers, 'host') ?? target.host
    delete fields.host
    let stream: ClientHttp2Stream
    try {
      if (signal.aborted) throw clientAborted()
      if (on.stamp !== undefined) carried?.(on.stamp)
      stream = on.session.request(
        {
          ':method': 'CONNECT',
          ':protocol': 'websocket',
          ':scheme': target.scheme,
          ':authority': authority,
          ':path': `${target.path}${target.query}`,
          ...fields,
        },
        { endStream: false },
      )
    } catch (error) {
      release(on)
      return reject(upstreamFault(error as Error))
    }
    const fail = (error: SallyportError): void => {
      finish()
      reject(error)
      stream.close(constants.NGHTTP2_CANCEL)
    }
    const stop = (): void => fail(clientAborted())
    const late = (): void => fail(tooLate())
    const closed = (): void => fail(new SallyportError('upstream_closed', 'the origin reset the stream'))
    const timer = setTimeout(late, handshakeMs(times))
    const finish = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', stop)
      stream.off('close', closed)
    }
    signal.addEventListener('abort', stop)
    // One that a client leaves without its end is reset, whatever code it then has.
    stream.once('close', closed).once('close', () => release(on, !stream.readableEnded || stream.rstCode !== 0))
    // What breaks it also closes it.
    stream.on('error', () => undefined)
    stream.once('response', (answer: IncomingHttpHeaders, flags: number, raw?: string[]) => {
      finish()
      const status = Number(answer[':status'])
      const received = withoutPseudo(raw ?? [])
      if (status >= 200 && status < 300) return resolve({ kind: 'connected', headers: received, socket: stream })
      resolve({ kind: 'answered', answer: refused(stream, status, received, flags, signal) })
    })
  })
}

/** The origin's own answer; the stream is over with it. */
function refused(
  stream: ClientHttp2Stream,
  status: number,
  headers: string[],
  flags: number,
  signal: AbortSignal,
): Answer {
  endsOnlyWhole(stream)
  stream.end()
  const abort = (): void => stream.close(constants.NGHTTP2_CANCEL)
  signal.addEventListener('abort', abort)
  stream.once('close', () => signal.removeEventListener('abort', abort))
  const bodiless = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0
  if (bodiless) stream.resume()
  const body = bodiless ? null : streamBody(stream, contentLength(headers))
  return { head: { status, reason: '', headers, version: '2' }, body }
}

function withoutPseudo(raw: readonly string[]): string[] {
  const fields: string[] = []
  for (let i = 0; i < raw.length; i += 2)
    if (!(raw[i] as string).startsWith(':')) fields.push(raw[i] as string, raw[i + 1] as string)
  return fields
}
