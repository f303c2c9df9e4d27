import type { SallyportError } from '../core/errors.ts'
import type { Answer, RawHeaders } from '../core/http.ts'
import type { ResponseParser } from '../http/response-parser.ts'
import type { AnswerBody } from './answer-body.ts'
import type { Stamp } from './stamps.ts'

/** What a connection through a parent proxy has to do with what it carries. */
export type Carriage = {
  /** Digest of the policy set under which it was inspected. */
  readonly policy?: string
  /** What a parent proxy is told of the way that it has come. */
  readonly via?: string | undefined
  /** Called with the stamp of each connection that takes it. */
  readonly carried?: (stamp: Stamp) => void
}

export type Sending = Carriage & {
  readonly signal: AbortSignal
  /** Called for every informational answer; what it throws is not heard. */
  readonly inform: (status: number, headers: RawHeaders) => void
}

/** Takes over from HTTP after a 101: the socket is paused, `head` is what has been read of the other protocol. */
export type Switched = (headers: RawHeaders, head: Buffer) => void

/** What an exchange on a connection begins with. */
type Begun = {
  readonly parser: ResponseParser
  readonly sending: Sending
  readonly resolve: (answer: Answer) => void
  readonly reject: (error: SallyportError) => void
  readonly switched: Switched | undefined
}

/** An exchange that a connection is busy with. */
export type InFlight = Begun & {
  /** Once the head has come, while the body comes. */
  body: AnswerBody | undefined
  /** The head has come. */
  answered: boolean
  /** The whole request is written. */
  sent: boolean
  /** The body waits for 100: only the head has left. */
  held: boolean
  /** The next piece of the body is the client's to send: the origin owes nothing. */
  uploading: boolean
  /** Not a byte of the request left: the first write failed at once. */
  unsent: boolean
  /** Not a byte has come back. */
  silent: boolean
  /** The connection may be used again after the answer. */
  persistent: boolean
  /** Ends waiting for 100. */
  proceed: (() => void) | undefined
}

export function inFlight({ parser, sending, resolve, reject, switched }: Begun): InFlight {
  return {
    parser,
    sending,
    resolve,
    reject,
    switched,
    body: undefined,
    answered: false,
    sent: false,
    held: false,
    uploading: false,
    unsent: false,
    silent: true,
    persistent: false,
    proceed: undefined,
  }
}

export function inform(current: InFlight, status: number, headers: RawHeaders): void {
  if (status === 100) current.proceed?.()
  try {
    current.sending.inform(status, headers)
  } catch {
    // The client's side cannot take it: the final answer is what it waits for.
  }
}

/** Resolves when the body may be sent or is no longer asked for; an origin that knows nothing of 100 gets it after `waitMs` (RFC 9110, 10.1.1). */
export function continued(current: InFlight, waitMs: number): Promise<void> {
  return new Promise((resolve) => {
    const proceed = (): void => {
      clearTimeout(timer)
      resolve()
    }
    const timer = setTimeout(proceed, waitMs)
    current.proceed = proceed
  })
}
