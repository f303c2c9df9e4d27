import type { Duplex } from 'node:stream'
import type { Answer, Body, HttpVersion, RawHeaders } from '../core/http.ts'
import type { Fault } from './validate.ts'

/** A request as its connection gave it; `target` is the request target as it came (on HTTP/2: `:path`). */
export type Incoming<C> = {
  readonly context: C
  readonly method: string
  readonly target: string
  /** `:scheme` and `:authority` on HTTP/2. */
  readonly scheme: string | undefined
  readonly authority: string | undefined
  readonly version: HttpVersion
  /** All fields but the pseudo-header fields. */
  readonly headers: RawHeaders
  readonly body: Body | null
  /** Aborts when the client goes away or resets the stream. */
  readonly signal: AbortSignal
  /** The client waits for `100 Continue` before it sends the body (RFC 9110, 10.1.1). */
  readonly expectsContinue: boolean
  /** Sends an informational answer. */
  readonly inform: (status: number, headers: RawHeaders) => void
  /**
   * Sends the answer; resolves when it is wholly handed over, rejects when the client went away or the body broke off. Of the answer only
   * end-to-end fields are sent; `hop` are fields for this connection alone (HTTP/1.1), such as a challenge of the proxy.
   */
  readonly send: (answer: Answer, hop?: RawHeaders) => Promise<void>
}

/** A request to leave HTTP: `Upgrade: websocket` on HTTP/1.1, extended CONNECT on HTTP/2. After `accept` the socket is the caller's. */
export type Upgrade<C> = {
  readonly incoming: Incoming<C>
  readonly accept: (headers: RawHeaders) => { readonly socket: Duplex; readonly head: Buffer }
}

export type Handlers<C> = {
  readonly exchange: (incoming: Incoming<C>) => Promise<void>
  readonly upgrade: (upgrade: Upgrade<C>) => Promise<void>
  /** CONNECT. The socket is the caller's; nothing has been answered. `fault`: why it has to be refused. */
  readonly connect: (
    context: C,
    request: { target: string; headers: RawHeaders; version: HttpVersion; fault: Fault | undefined },
    socket: Duplex,
    head: Buffer,
  ) => void
  /**
   * A request that was refused before it became one, or that no exchange could be made of (`cause`: what was thrown). It is answered if that is
   * possible. `request` is undefined when no request line could be read.
   */
  readonly refused: (context: C, fault: Fault, request: RequestLine | undefined, cause?: unknown) => void
}

export type RequestLine = {
  readonly method: string
  readonly target: string
  /** Default 1.1. */
  readonly version?: HttpVersion
}

export type HttpLimits = {
  readonly headerBytes: number
  /** From the first byte of a head to its last; also for a connection that sends nothing at first. */
  readonly headersTimeoutMs: number
  /** How long a body that is collected may stop; default a minute. */
  readonly bodyStallMs?: number
  /** How long a client may take nothing of an answer on HTTP/2; default ten minutes. */
  readonly answerStallMs?: number
  readonly keepAliveTimeoutMs: number
  readonly streams: number
}
