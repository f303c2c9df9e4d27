import { SallyportError } from '../core/errors.ts'
import type { Body } from '../core/http.ts'
import { collect, collecting } from './body.ts'
import type { Collected, SelfCollecting } from './body.ts'

/** The body of a request, which may turn out to be malformed after its head was taken. */
export type RequestBody = SelfCollecting & {
  /**
   * Breaks it off with a reason that the exchange can answer. False when its bytes are being passed on already: then it is the connection's
   * to end.
   */
  readonly fail: (cause: SallyportError) => boolean
}

/**
 * Collecting it, which is what inspection does, ends with `request_timeout` when nothing comes for `stallMs`; a body that is passed on as it
 * comes may pause as long as both sides like. `received` counts the bytes of its connection, undefined when the whole has come.
 */
export function requestBody(body: Body, stallMs: number, received: () => number | undefined): RequestBody {
  return new Watched(body, stallMs, received)
}

type How = Parameters<typeof collect> extends [Body, ...infer Rest] ? Rest : never

class Watched implements RequestBody {
  readonly length: number | undefined
  readonly trailers: Body['trailers']
  readonly #body: Body
  readonly #stallMs: number
  readonly #received: () => number | undefined
  #failure: SallyportError | undefined
  #passing = false
  #give: ((cause: SallyportError) => void) | undefined

  constructor(body: Body, stallMs: number, received: () => number | undefined) {
    this.#body = body
    this.length = body.length
    this.trailers = body.trailers
    this.#stallMs = stallMs
    this.#received = received
  }

  fail(cause: SallyportError): boolean {
    if (this.#passing) return false
    this.#failure ??= cause
    this.#give?.(cause)
    return true
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    const failure = this.#failure
    if (failure !== undefined) return { next: () => Promise.reject(failure) }
    this.#passing = true
    return this.#body[Symbol.asyncIterator]()
  }

  [collecting](...how: How): Promise<Collected> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    return new Promise((resolve, reject) => {
      const watch = this.#watch()
      const done = (): void => {
        clearInterval(watch)
        this.#give = undefined
      }
      this.#give = (cause) => {
        done()
        reject(cause)
      }
      collect(this.#body, ...how).then(
        (collected) => {
          done()
          this.#passing = collected.kind === 'over'
          resolve(collected)
        },
        (cause: Error) => {
          done()
          reject(cause)
        },
      )
    })
  }

  /** Looks four times in `stallMs`, which costs less than to be told of every chunk. */
  #watch(): NodeJS.Timeout {
    let before: number | undefined
    let quiet = 0
    return setInterval(() => {
      const now = this.#received()
      quiet = now !== undefined && now === before ? quiet + 1 : 0
      before = now
      if (quiet >= looks) this.fail(new SallyportError('request_timeout', 'the body of the request stopped coming'))
    }, this.#stallMs / looks).unref()
  }
}

const looks = 4
