import { constants } from 'node:http2'
import type { ClientHttp2Stream, IncomingHttpHeaders } from 'node:http2'
import { SallyportError } from '../core/errors.ts'
import type { Answer, Body, RawHeaders, Request } from '../core/http.ts'
import { headerOf } from '../core/http.ts'
import { bytesAtHand, drained } from '../http/body.ts'
import { endWithTrailers } from '../http/field-section.ts'
import { contentLength } from '../http/headers.ts'
import { endsOnlyWhole, nameOf, StreamReset } from '../http/stream-reset.ts'
import type { Coming } from '../http/stream-reset.ts'
import { AnswerBody } from './answer-body.ts'
import type { Flow } from './answer-body.ts'
import type { Timed } from './checks.ts'
import { clientAborted, tooLate, upstreamFault } from './faults.ts'
import type { Sending } from './in-flight.ts'
import type { UpstreamTimes } from './times.ts'

/** The origin did nothing with a request, which may therefore be sent again (RFC 9113, 8.7), or wants it over HTTP/1.1. */
export class Unprocessed extends SallyportError {
  readonly instead: 'again' | 'http1'
  /** Nobody has asked for a byte of the body. */
  readonly held: boolean

  constructor(instead: 'again' | 'http1', cause: unknown, held = false) {
    super('upstream_closed', 'the origin did not take the request', { cause })
    this.instead = instead
    this.held = held
  }
}

export type StreamTerms = {
  readonly times: UpstreamTimes
  /** Milliseconds that only go up. */
  readonly clock: () => number
  /** The last stream that the origin may have worked on, once it has said GOAWAY. */
  readonly lastStreamId: () => number
  /** The stream is over; called once. `reset` when one of the two sides reset it. */
  readonly over: (exchange: StreamExchange, reset: boolean) => void
}

/** One exchange with an origin over HTTP/2 (RFC 9113, 8.1). */
export class StreamExchange implements Flow, Timed {
  readonly #stream: ClientHttp2Stream
  readonly #sending: Sending
  readonly #terms: StreamTerms
  readonly #resolve: (answer: Answer) => void
  readonly #reject: (error: SallyportError) => void
  readonly #coming: Coming
  #body: AnswerBody | undefined
  #trailers: RawHeaders = []
  /** The body waits for 100: only the head has left. */
  #held: { readonly body: Body; readonly timer: NodeJS.Timeout } | undefined
  #informed = 0
  #answered = false
  #settled = false
  #unsent = false
  #paused = false
  #since: number

  constructor(
    stream: ClientHttp2Stream,
    sending: Sending,
    terms: StreamTerms,
    settle: { resolve: (answer: Answer) => void; reject: (error: SallyportError) => void },
  ) {
    this.#stream = stream
    this.#sending = sending
    this.#terms = terms
    this.#resolve = settle.resolve
    this.#reject = settle.reject
    this.#since = terms.clock()
    this.#coming = endsOnlyWhole(stream)
    sending.signal.addEventListener('abort', this.#onAbort)
    stream.on('headers', this.#onHeaders).once('response', this.#onResponse).on('trailers', this.#onTrailers)
    stream.on('error', this.#onError).once('close', this.#onClose).once('frameError', this.#onFrameError)
  }

  /** Sends the body of the request, at the origin's pace; one that its client holds back, once it is wanted or 1 s has passed (RFC 9110, 10.1.1). */
  send({ head, body }: Request): void {
    if (body === null) return
    const bytes = bytesAtHand(body)
    if (bytes !== undefined) return void this.#stream.end(bytes)
    this.#stream.once('wantTrailers', () => endWithTrailers(this.#stream, body.trailers()))
    const expects = body.length !== 0 && headerOf(head.headers, 'expect')?.toLowerCase() === '100-continue'
    if (expects) this.#held = { body, timer: setTimeout(() => this.#proceed(), continueMs) }
    else this.#begin(body)
  }

  check(now: number): void {
    const quiet = now - this.#since
    const { headersTimeoutMs, idleTimeoutMs } = this.#terms.times
    if (this.#settled) {
      // The answer is whole: what is left of the request may come, but is not waited for.
      if (quiet >= Math.min(idleTimeoutMs, lingerMs)) this.abandon()
    } else if (this.#paused) {
      if (quiet >= idleTimeoutMs) this.#end(new SallyportError('client_aborted', 'the answer was not read'))
    } else if (quiet >= (this.#answered ? idleTimeoutMs : headersTimeoutMs)) this.#end(tooLate())
  }

  pause(): void {
    this.#paused = true
    this.#since = this.#terms.clock()
    this.#stream.pause()
  }

  resume(): void {
    this.#paused = false
    this.#since = this.#terms.clock()
    this.#stream.resume()
  }

  abandon(): void {
    // Node ends its process when a stream that waits for trailers is closed and destroyed while the session reads.
    setImmediate(() => this.#stream.close(constants.NGHTTP2_CANCEL))
  }

  #begin(body: Body): void {
    this.#pump(body).then(
      () => this.#stream.end(),
      (error: Error) => this.#onBrokenRequest(error),
    )
  }

  /** Nobody waits for 100 any more. */
  #proceed(): void {
    const held = this.#held
    if (held === undefined || this.#answered || this.#settled) return
    clearTimeout(held.timer)
    this.#held = undefined
    this.#begin(held.body)
  }

  /** Resolves also when the origin does not want the rest: the source is not ended then, because that would take the client's stream away before it has the answer. */
  async #pump(body: Body): Promise<void> {
    const iterator = body[Symbol.asyncIterator]()
    for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) {
      if (this.#stream.closed || this.#stream.destroyed) return
      const more = this.#stream.write(next.value)
      this.#since = this.#terms.clock()
      if (!more) await drained(this.#stream)
    }
  }

  #onHeaders = (headers: IncomingHttpHeaders, _flags: number, raw?: string[]): void => {
    const status = Number(headers[':status'])
    if (!(status >= 100 && status < 200)) return
    this.#since = this.#terms.clock()
    this.#informed += 1
    if (this.#informed > maxInformed)
      return this.#end(new SallyportError('upstream_invalid', 'the origin sends informational answers without end'))
    try {
      this.#sending.inform(status, fieldsOf(raw, headers))
    } catch {
      // The client's side cannot take it: the final answer is what it waits for.
    }
    if (status === 100) this.#proceed()
  }

  #onResponse = (headers: IncomingHttpHeaders, flags: number, raw?: string[]): void => {
    this.#answered = true
    this.#since = this.#terms.clock()
    const fields = fieldsOf(raw, headers)
    const head = { status: Number(headers[':status']), reason: '', headers: fields, version: '2' } as const
    // A head that ends its stream stays one: gRPC reads it as trailers without an answer.
    if ((flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0) {
      this.#settled = true
      this.#stream.resume()
      this.#resolve({ head, body: null })
      return this.#leave()
    }
    this.#body = new AnswerBody(contentLength(fields), this)
    this.#stream.on('data', this.#onData).once('end', this.#onEnd)
    this.#resolve({ head, body: this.#body })
  }

  #onEnd = (): void => {
    if (this.#settled) return
    this.#settled = true
    this.#body?.end(this.#trailers)
    this.#leave()
  }

  /** A final answer instead of 100 says that the body is not wanted: the stream has no other end. */
  #leave(): void {
    if (this.#held !== undefined) this.abandon()
  }

  #onData = (chunk: Buffer): void => {
    this.#since = this.#terms.clock()
    this.#body?.push(chunk)
  }

  #onTrailers = (headers: IncomingHttpHeaders, _flags: number, raw?: string[]): void => {
    this.#trailers = fieldsOf(raw, headers)
  }

  #onFrameError = (type: number): void => {
    if (type === headersFrame) this.#unsent = true
  }

  #onError = (error: Error): void => this.#onBroken(error)

  #onClose = (): void => {
    clearTimeout(this.#held?.timer)
    this.#sending.signal.removeEventListener('abort', this.#onAbort)
    this.#onBroken(undefined)
    this.#terms.over(this, this.#stream.rstCode !== constants.NGHTTP2_NO_ERROR)
  }

  #onBroken(error: Error | undefined): void {
    if (this.#settled) return
    if (this.#body === undefined || !this.#isWhole(this.#body) || this.#sending.signal.aborted)
      return this.#fail(this.#fault(error))
    // The answer has come whole, and the origin has ended the connection before a slow reader had it all.
    this.#stream.off('data', this.#onData)
    for (let rest = this.#read(); rest !== null; rest = this.#read()) this.#body.push(rest)
    this.#onEnd()
  }

  /** Some servers reset a stream with NO_ERROR before END_STREAM is out; where a length was declared, it says whether anything is missing. */
  #isWhole({ length }: AnswerBody): boolean {
    if (this.#coming.whole()) return true
    return (
      this.#stream.rstCode === constants.NGHTTP2_NO_ERROR && length !== undefined && this.#coming.bytes() === length
    )
  }

  #read(): Buffer | null {
    return this.#stream.read() as Buffer | null
  }

  #onAbort = (): void => this.#end(clientAborted())

  #onBrokenRequest(cause: Error): void {
    // When the stream is what broke, its close says why.
    if (this.#stream.closed || this.#stream.destroyed) return
    this.#end(
      cause instanceof SallyportError
        ? cause
        : new SallyportError('client_aborted', 'the request body broke off', { cause }),
    )
  }

  #end(error: SallyportError): void {
    if (!this.#settled) this.#fail(error)
    this.abandon()
  }

  #fail(error: SallyportError): void {
    this.#settled = true
    if (this.#answered) this.#body?.fail(error)
    else this.#reject(error)
  }

  #fault(error: Error | undefined): SallyportError {
    if (this.#sending.signal.aborted) return clientAborted()
    const { id, rstCode, pending } = this.#stream
    if (!this.#answered) {
      const untouched = this.#unsent || pending || id === undefined || id > this.#terms.lastStreamId()
      if (rstCode === constants.NGHTTP2_HTTP_1_1_REQUIRED)
        return new Unprocessed('http1', error, this.#held !== undefined)
      if (rstCode === constants.NGHTTP2_REFUSED_STREAM || untouched)
        return new Unprocessed('again', error, this.#held !== undefined)
    }
    if (rstCode !== constants.NGHTTP2_NO_ERROR || error instanceof StreamReset || error === undefined)
      return new SallyportError('upstream_closed', `the origin reset the stream: ${nameOf(rstCode)}`, {
        cause: new StreamReset(rstCode),
      })
    return upstreamFault(error)
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

// RFC 9113, 6.2.
const headersFrame = 1
// With them alone an origin could keep a client for ever, and fill its connection.
const maxInformed = 1_000
const lingerMs = 5_000
const continueMs = 1_000
