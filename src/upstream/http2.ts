import { connect as connectHttp2, constants } from 'node:http2'
import type { ClientHttp2Session, ClientHttp2Stream, IncomingHttpHeaders } from 'node:http2'
import type { Socket } from 'node:net'
import { SallyportError } from '../core/errors.ts'
import type { Answer, RawHeaders, Request } from '../core/http.ts'
import { headerOf } from '../core/http.ts'
import { bytesAtHand, pump } from '../http/body.ts'
import { contentLength, endToEnd } from '../http/headers.ts'
import { grouped } from '../http/serve2.ts'
import { AnswerBody } from './answer-body.ts'
import type { UpstreamTimes } from './connection.ts'
import { upstreamFault } from './faults.ts'
import type { Sending } from './in-flight.ts'
import type { Origin } from './origin.ts'

/** An HTTP/2 session to an origin, over a connection that negotiated it. `gone` is called once it takes no more requests. */
export function http2Session(
  origin: Origin,
  socket: Socket,
  times: UpstreamTimes,
  gone: () => void,
): Promise<ClientHttp2Session> {
  return new Promise((resolve, reject) => {
    const session = connectHttp2(`${origin.scheme}://${origin.host}`, {
      createConnection: () => socket,
      settings: { enablePush: false, initialWindowSize: 1_048_576, maxHeaderListSize: 262_144 },
      maxSessionMemory: 64,
    })
    session.setTimeout(times.idleTimeoutMs, () => session.close())
    session.once('goaway', gone).once('close', gone)
    session.on('error', (error) => {
      gone()
      reject(upstreamFault(error))
    })
    session.once('remoteSettings', () => {
      session.setLocalWindowSize(4_194_304)
      resolve(session)
    })
  })
}

/** One request on a session (RFC 9113, 8). */
export function sendHttp2(
  session: ClientHttp2Session,
  request: Request,
  { signal, inform }: Sending,
  times: UpstreamTimes,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const stream = session.request(requestHeaders(request), {
      endStream: request.body === null,
      waitForTrailers: mayTrail(request),
    })
    let answered = false
    const abort = (): void => stream.close(constants.NGHTTP2_CANCEL)
    signal.addEventListener('abort', abort)
    const timer = setTimeout(() => {
      reject(new SallyportError('upstream_timeout', 'the origin took too long'))
      abort()
    }, times.headersTimeoutMs)
    stream.on('headers', (headers: IncomingHttpHeaders, _flags: number, raw?: string[]) =>
      inform(Number(headers[':status']), fieldsOf(raw, headers)),
    )
    stream.once('response', (headers: IncomingHttpHeaders, flags: number, raw?: string[]) => {
      clearTimeout(timer)
      answered = true
      const fields = fieldsOf(raw, headers)
      // A head that ends its stream stays one: gRPC reads it as trailers without an answer.
      const bodiless = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0
      resolve({
        head: { status: Number(headers[':status']), reason: '', headers: fields, version: '2' },
        body: bodiless ? null : answerBody(stream, contentLength(fields), signal),
      })
    })
    stream.once('close', () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', abort)
      if (!answered) reject(brokenOff(signal))
    })
    stream.on('error', (error) => {
      if (!answered) reject(upstreamFault(error))
    })
    sendBody(stream, request)
  })
}

/** The rest of an answer. Whatever ends the stream before its last byte fails the body, in our codes. */
function answerBody(stream: ClientHttp2Stream, length: number | undefined, signal: AbortSignal): AnswerBody {
  const body = new AnswerBody(length, {
    pause: () => stream.pause(),
    resume: () => stream.resume(),
    abandon: () => stream.close(constants.NGHTTP2_CANCEL),
  })
  let trailers: RawHeaders = []
  stream.on('trailers', (headers: IncomingHttpHeaders, _flags: number, raw?: string[]) => {
    trailers = fieldsOf(raw, headers)
  })
  stream.on('data', (chunk: Buffer) => body.push(chunk))
  stream.once('end', () => {
    // Node ends the readable side of a stream that was reset, too.
    if (stream.rstCode === constants.NGHTTP2_NO_ERROR && !stream.aborted) body.end(trailers)
    else body.fail(brokenOff(signal))
  })
  stream.on('error', (error) => body.fail(signal.aborted ? brokenOff(signal) : upstreamFault(error)))
  stream.once('close', () => body.fail(brokenOff(signal)))
  return body
}

function brokenOff(signal: AbortSignal): SallyportError {
  return signal.aborted
    ? new SallyportError('client_aborted', 'the client went away')
    : new SallyportError('upstream_closed', 'the origin reset the stream')
}

function sendBody(stream: ClientHttp2Stream, request: Request): void {
  const { body } = request
  if (body === null) return
  const bytes = bytesAtHand(body)
  if (bytes !== undefined) return void stream.end(bytes)
  stream.once('wantTrailers', () => {
    // Without any, this ends the stream with an empty frame.
    stream.sendTrailers(grouped(body.trailers()))
  })
  pump(body, stream).then(
    () => stream.end(),
    () => stream.close(constants.NGHTTP2_CANCEL),
  )
}

function requestHeaders(request: Request): Record<string, string | string[]> {
  const { method, target, headers } = request.head
  const host = headerOf(headers, 'host') ?? `${target.host}${target.port === 443 ? '' : `:${target.port}`}`
  const fields = grouped(endToEnd(headers))
  delete fields.host
  // RFC 9113, 8.2.2: the one value of TE that may cross; gRPC requires it.
  if (headerOf(headers, 'te')?.toLowerCase() === 'trailers') fields.te = 'trailers'
  return {
    ':method': method,
    ':scheme': target.scheme,
    ':authority': host,
    ':path': `${target.path}${target.query}`,
    ...fields,
  }
}

function fieldsOf(raw: readonly string[] | undefined, headers: IncomingHttpHeaders): string[] {
  const fields: string[] = []
  if (raw === undefined) {
    for (const [name, value] of Object.entries(headers)) {
      for (const one of Array.isArray(value) ? value : [value])
        if (!name.startsWith(':') && one !== undefined) fields.push(name, String(one))
    }
    return fields
  }
  for (let i = 0; i < raw.length; i += 2)
    if (!(raw[i] as string).startsWith(':')) fields.push(raw[i] as string, raw[i + 1] as string)
  return fields
}

function mayTrail({ body }: Request): boolean {
  return body !== null && bytesAtHand(body) === undefined
}
