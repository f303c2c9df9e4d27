import type { Answer, Body, RawHeaders, Request } from '../core/http.ts'
import { withoutHeaders } from '../core/http.ts'
import type { Sending } from '../upstream/in-flight.ts'
import type { Upstream } from '../upstream/send.ts'

/** A request whose body is held back by its client (RFC 9110, 10.1.1). */
export type Asking = {
  /** Sends the head alone. Resolves to the final answer the origin has for it, or to undefined once it wants the body. */
  readonly ask: (policy?: string) => Promise<Answer | undefined>
  /** Sends what became of the request: on the connection that waits for it where its head still tells the truth, else anew. */
  readonly forward: (request: Request, policy?: string) => Promise<Answer>
  /** Ends the connection that waits for a body which will not come. */
  readonly drop: () => void
}

export function asking(request: Request & { readonly body: Body }, sending: Sending, send: Upstream['send']): Asking {
  let waiting: Waiting | undefined
  return {
    async ask(policy) {
      waiting = begin(request, { ...sending, policy }, send)
      return Promise.race([waiting.answer, waiting.wanted])
    },
    forward(next, policy) {
      if (waiting === undefined) return send(next, { ...sending, policy })
      if (next.body !== null && fits(request, next)) {
        waiting.supply(next.body)
        return waiting.answer
      }
      waiting.drop()
      return send(
        { ...next, head: { ...next.head, headers: withoutHeaders(next.head.headers, expect) } },
        { ...sending, policy },
      )
    },
    drop: () => waiting?.drop(),
  }
}

type Waiting = {
  readonly answer: Promise<Answer>
  readonly wanted: Promise<undefined>
  readonly supply: (body: Body) => void
  readonly drop: () => void
}

function begin(request: Request & { readonly body: Body }, sending: Sending, send: Upstream['send']): Waiting {
  const dropped = new AbortController()
  const wanted = Promise.withResolvers<undefined>()
  const supplied = Promise.withResolvers<Body>()
  let trailers = request.body.trailers
  async function* late(): AsyncGenerator<Uint8Array> {
    wanted.resolve(undefined)
    yield* await supplied.promise
  }
  const body: Body = { length: request.body.length, trailers: () => trailers(), [Symbol.asyncIterator]: late }
  const signal = AbortSignal.any([sending.signal, dropped.signal])
  const answer = send({ head: request.head, body }, { ...sending, signal })
  // A connection that is dropped tells nobody.
  answer.catch(() => undefined)
  return {
    answer,
    wanted: wanted.promise,
    supply(real) {
      trailers = real.trailers
      supplied.resolve(real)
    },
    drop: () => dropped.abort(),
  }
}

/** Whether the head that has been sent is also the head of this request, and its framing holds the body. */
function fits(sent: Request & { readonly body: Body }, next: Request): boolean {
  if (sent.body.length !== undefined && sent.body.length !== next.body?.length) return false
  const before = withoutHeaders(sent.head.headers, framing)
  const after = withoutHeaders(next.head.headers, framing)
  return before.length === after.length && before.every((text, i) => text === after[i])
}

const expect = new Set(['expect'])
const framing = new Set<RawHeaders[number]>(['content-length', 'transfer-encoding'])
