import type { Socket } from 'node:net'
import { asSallyportError, SallyportError } from '../core/errors.ts'
import type { Answer, Body, RawHeaders, Request } from '../core/http.ts'
import { bytesAtHand, bytesBody } from '../http/body.ts'
import { invalidAnswer } from '../http/response-head.ts'
import { responseParser } from '../http/response-parser.ts'
import type { ResponseEvent } from '../http/response-parser.ts'
import { AnswerBody } from './answer-body.ts'
import type { Flow } from './answer-body.ts'
import { clientAborted, tooLate, upstreamFault } from './faults.ts'
import { continued, inFlight, inform } from './in-flight.ts'
import type { InFlight, Sending, Switched } from './in-flight.ts'
import type { Patience } from './patience.ts'
import type { RequestText } from './request-head.ts'
import { sendBody, writeTogether } from './send-body.ts'
import type { Stamp } from './stamps.ts'
import type { UpstreamTimes } from './times.ts'

/** What all connections of a client share. */
export type ConnectionTerms = {
  readonly times: UpstreamTimes
  /** Milliseconds that only go up. */
  readonly clock: () => number
  /** For connections that are kept. */
  readonly patience?: Patience
  readonly stampOf?: ((socket: Socket) => Stamp | undefined) | undefined
  /** The connection can take another request. */
  readonly idle: (connection: Connection) => void
  /** It is closed; nothing more is to be asked of it. */
  readonly gone: (connection: Connection) => void
}

/** An HTTP/1.1 connection to an origin: one exchange at a time (RFC 9112, 9.3). */
export class Connection implements Flow {
  readonly key: string
  readonly #socket: Socket
  readonly #terms: ConnectionTerms
  #current: InFlight | undefined
  #fault: Error | undefined
  #since: number
  /** How long the origin says it keeps an idle connection. */
  #idleMs = Number.POSITIVE_INFINITY
  #paused = false
  #personal = false
  #lost: Lost | undefined

  constructor(key: string, socket: Socket, terms: ConnectionTerms) {
    this.key = key
    this.#socket = socket
    this.#terms = terms
    this.#since = terms.clock()
    socket.on('data', this.#onData).on('end', this.#onEnd).on('error', this.#onError).on('close', this.#onClose)
  }

  /** Whether it can be taken for a request now. */
  get usable(): boolean {
    return this.#socket.writable && !this.#socket.destroyed && this.quietMs < this.#keptMs
  }

  /** An exchange is going on. */
  get busy(): boolean {
    return this.#current !== undefined
  }

  /** How long nothing has happened on it. */
  get quietMs(): number {
    return this.#terms.clock() - this.#since
  }

  get #keptMs(): number {
    return Math.min(this.#idleMs, this.#terms.patience?.of(this.key) ?? Number.POSITIVE_INFINITY)
  }

  /** That it ended before a byte of the answer came: an origin may close a kept connection just then. */
  get lost(): Lost | undefined {
    return this.#lost
  }

  /** Sends a request whose text has been made; one at a time. Rejects with SallyportError. */
  send(request: Request, text: RequestText, sending: Sending, switched?: Switched): Promise<Answer> {
    const stamp = this.#terms.stampOf?.(this.#socket)
    if (stamp !== undefined) sending.carried?.(stamp)
    return new Promise((resolve, reject) => {
      const current = inFlight({ parser: responseParser(request.head.method), sending, resolve, reject, switched })
      this.#current = current
      if (text.personal === true) this.#personal = true
      this.#since = this.#terms.clock()
      sending.signal.addEventListener('abort', this.#onAbort)
      this.#write(current, request.body, text)
    })
  }

  /** Closes it if it has been quiet for too long. */
  check(now: number): void {
    const quiet = now - this.#since
    const { headersTimeoutMs, idleTimeoutMs } = this.#terms.times
    if (this.#current === undefined) {
      if (quiet >= this.#keptMs) this.close()
    } else if (this.#paused) {
      if (quiet >= idleTimeoutMs) this.fail(new SallyportError('client_aborted', 'the answer was not read'))
    } else if (this.#current.uploading && !this.#current.answered) {
      // How long a client may take is for its own connection to say.
      return
    } else if (quiet >= (this.#current.answered ? idleTimeoutMs : headersTimeoutMs)) this.fail(tooLate())
  }

  /** Ends the exchange with an error, and the connection with it. */
  fail(error: SallyportError): void {
    const current = this.#release()
    this.#socket.destroy()
    if (current === undefined) return
    if (current.body === undefined) current.reject(error)
    else current.body.fail(error)
  }

  close(): void {
    this.fail(new SallyportError('upstream_closed', 'the connection was closed'))
  }

  pause(): void {
    this.#paused = true
    this.#since = this.#terms.clock()
    this.#socket.pause()
  }

  resume(): void {
    this.#paused = false
    this.#since = this.#terms.clock()
    this.#socket.resume()
  }

  abandon(): void {
    this.close()
  }

  #write(current: InFlight, body: Body | null, text: RequestText): void {
    const bytes = body === null ? nothing : bytesAtHand(body)
    if (body === null || bytes?.length === 0) this.#socket.write(text.text, 'latin1')
    else if (bytes !== undefined && !text.expects) writeTogether(this.#socket, text.text, bytes)
    else {
      this.#socket.write(text.text, 'latin1')
      this.#writeBody(current, body, text).catch((error: Error) => this.#onBrokenRequest(current, error))
      return
    }
    current.sent = true
    // In one TLS record, or in one write to TCP: all or nothing.
    current.unsent = this.#socket.errored !== null && text.text.length + (bytes?.length ?? 0) <= recordBytes
  }

  async #writeBody(current: InFlight, body: Body, { chunked, expects }: RequestText): Promise<void> {
    if (expects) {
      current.held = true
      await continued(current, continueMs)
      current.held = false
    }
    // A final answer instead of 100 says that the body is not wanted.
    if (this.#current !== current || (expects && current.answered)) return
    await sendBody(body, this.#socket, {
      chunked,
      wanted: () => this.#current === current,
      turn: (clients) => {
        this.#since = this.#terms.clock()
        current.uploading = clients
      },
      written: () => (current.sent = true),
    })
  }

  #onData = (bytes: Buffer): void => {
    const current = this.#current
    // Nobody asked: the answer to the next request would not be its own.
    if (current === undefined) return this.close()
    this.#since = this.#terms.clock()
    current.silent = false
    try {
      this.#take(current, current.parser.push(bytes))
    } catch (error) {
      this.fail(asSallyportError(error))
    }
  }

  #take(current: InFlight, events: readonly ResponseEvent[]): void {
    for (let i = 0; i < events.length; i += 1) {
      const event = events[i] as ResponseEvent
      if (event.kind === 'data') current.body?.push(event.bytes)
      else if (event.kind === 'head') this.#answer(current, event, events, i + 1)
      else if (event.kind === 'end') this.#finish(current, event.trailers, event.rest)
      else if (event.kind === 'informational') inform(current, event.status, event.headers)
      else this.#switch(current, event.headers, event.rest)
    }
  }

  #answer(
    current: InFlight,
    { head, framing, persistent, keepAliveMs }: HeadEvent,
    events: readonly ResponseEvent[],
    next: number,
  ): void {
    current.answered = true
    current.persistent = persistent
    current.proceed?.()
    if (keepAliveMs !== undefined) this.#idleMs = keepAliveMs - marginMs
    if (framing.kind === 'none') return current.resolve({ head, body: null })
    const length = framing.kind === 'length' ? framing.length : undefined
    if (length !== undefined && events.at(-1)?.kind === 'end') {
      const data = events[next]
      return current.resolve({ head, body: bytesBody(data?.kind === 'data' ? data.bytes : nothing) })
    }
    current.body = new AnswerBody(length, this)
    current.resolve({ head, body: current.body })
  }

  #finish(current: InFlight, trailers: RawHeaders, rest: Buffer): void {
    this.#release()
    current.body?.end(trailers)
    if (this.#paused) this.resume()
    const reusable = current.persistent && current.sent && rest.length === 0 && !this.#personal
    if (reusable && this.usable) this.#terms.idle(this)
    else this.close()
  }

  #switch(current: InFlight, headers: RawHeaders, rest: Buffer): void {
    const { switched } = current
    if (switched === undefined) throw invalidAnswer('101 that nobody asked for')
    this.#release()
    this.#socket.pause()
    this.#socket.off('data', this.#onData).off('end', this.#onEnd).off('close', this.#onClose)
    switched(headers, rest)
  }

  #release(): InFlight | undefined {
    const current = this.#current
    if (current === undefined) return undefined
    this.#current = undefined
    current.sending.signal.removeEventListener('abort', this.#onAbort)
    current.proceed?.()
    return current
  }

  #onAbort = (): void => this.fail(clientAborted())

  #onEnd = (): void => {
    const current = this.#current
    if (current === undefined) {
      this.#terms.patience?.learn(this.key, this.quietMs)
      return this.close()
    }
    // An end that an alert of TLS brings is none of the answer: the close that follows says why.
    if (this.#fault !== undefined) return
    try {
      this.#take(current, current.parser.end())
    } catch (error) {
      this.#lose(current)
      this.fail(asSallyportError(error))
    }
  }

  #onError = (error: Error): void => {
    this.#fault = error
  }

  #onClose = (): void => {
    this.#lose(this.#current)
    this.fail(
      this.#fault === undefined
        ? new SallyportError('upstream_closed', 'the origin closed the connection')
        : upstreamFault(this.#fault),
    )
    this.#terms.gone(this)
  }

  #lose(current: InFlight | undefined): void {
    if (current?.silent === true) this.#lost = current.unsent ? 'unsent' : current.held ? 'held' : 'unanswered'
  }

  #onBrokenRequest(current: InFlight, error: Error): void {
    // When the connection is what broke, its close says why.
    if (this.#current !== current || this.#socket.destroyed) return
    this.fail(
      error instanceof SallyportError
        ? error
        : new SallyportError('client_aborted', 'the request body broke off', { cause: error }),
    )
  }
}

/** How much of the request has left: none, the head of one whose body waits to be asked for, or more. */
export type Lost = 'unsent' | 'held' | 'unanswered'

type HeadEvent = Extract<ResponseEvent, { kind: 'head' }>

// A request that is on its way when the origin closes would be lost.
const marginMs = 1_000
const continueMs = 1_000
const recordBytes = 16_384
const nothing = Buffer.alloc(0)
