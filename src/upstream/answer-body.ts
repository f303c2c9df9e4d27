import type { RawHeaders } from '../core/http.ts'
import { collecting, copies, over, spilled } from '../http/body.ts'
import type { Collected, SelfCollecting } from '../http/body.ts'
import type { Lease } from '../http/budget.ts'

/** What a body asks of the connection that fills it. */
export type Flow = {
  readonly pause: () => void
  readonly resume: () => void
  /** Nobody wants the rest. */
  readonly abandon: () => void
}

type Collector = {
  readonly limit: number
  readonly lease: Lease | undefined
  readonly resolve: (collected: Collected | Promise<Collected>) => void
  readonly reject: (error: Error) => void
}
type Waiting = {
  readonly resolve: (result: IteratorResult<Uint8Array, undefined>) => void
  readonly reject: (error: Error) => void
}

/** An answer's body on its way: filled by a connection, emptied by one reader; what lies between is bounded by `heldBytes` and one read. */
export class AnswerBody implements SelfCollecting, AsyncIterator<Uint8Array, undefined> {
  readonly length: number | undefined
  readonly #flow: Flow
  #chunks: Buffer[] = []
  #first = 0
  #size = 0
  #paused = false
  #waiting: Waiting | undefined
  #collector: Collector | undefined
  #outcome: 'open' | 'ended' | Error = 'open'
  #trailers: RawHeaders = []

  constructor(length: number | undefined, flow: Flow) {
    this.length = length
    this.#flow = flow
  }

  /** From the connection; so are `end` and `fail`, after which the body asks nothing of it any more. */
  push(bytes: Buffer): void {
    const waiting = this.#waiting
    if (waiting !== undefined) {
      this.#waiting = undefined
      waiting.resolve({ done: false, value: bytes })
      return
    }
    this.#chunks.push(bytes)
    this.#size += bytes.length
    if (this.#collector === undefined) return this.#holdBack()
    const { limit, lease, resolve } = this.#collector
    const room = lease?.take(bytes.length * copies) !== false
    if (room && this.#size <= limit) return
    this.#collector = undefined
    this.#holdBack()
    if (room) resolve(over(this, this.#size, lease))
    else resolve(spilled(this, limit, lease as Lease, this.#size - bytes.length))
  }

  end(trailers: RawHeaders): void {
    this.#trailers = trailers
    this.#outcome = 'ended'
    this.#paused = false
    this.#collector?.resolve(this.#whole())
    this.#waiting?.resolve(done)
    this.#collector = this.#waiting = undefined
  }

  fail(error: Error): void {
    if (this.#outcome !== 'open') return
    this.#outcome = error
    this.#paused = false
    this.#collector?.reject(error)
    this.#waiting?.reject(error)
    this.#collector = this.#waiting = undefined
  }

  trailers = (): RawHeaders => this.#trailers;

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array, undefined> {
    return this
  }

  next(): Promise<IteratorResult<Uint8Array, undefined>> {
    const chunk = this.#chunks[this.#first]
    if (chunk !== undefined) return Promise.resolve({ done: false, value: this.#shift(chunk) })
    if (this.#outcome === 'ended') return Promise.resolve(done)
    if (this.#outcome !== 'open') return Promise.reject(this.#outcome)
    if (this.#waiting !== undefined) return Promise.reject(new Error('a body has one reader'))
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject }
    })
  }

  return(): Promise<IteratorResult<Uint8Array, undefined>> {
    const open = this.#outcome === 'open'
    this.#chunks = []
    this.#first = this.#size = 0
    this.end([])
    if (open) this.#flow.abandon()
    return Promise.resolve(done)
  }

  [collecting](limit: number, lease?: Lease): Promise<Collected> {
    if (this.#size > limit) return Promise.resolve({ kind: 'over', rest: this })
    if (this.#outcome !== 'open' && this.#outcome !== 'ended') return Promise.reject(this.#outcome)
    if (lease?.take(this.#size * copies) === false) return spilled(this, limit, lease, 0)
    if (this.#outcome === 'ended') return Promise.resolve(this.#whole())
    this.#letGo()
    return new Promise((resolve, reject) => {
      this.#collector = { limit, lease, resolve, reject }
    })
  }

  #shift(chunk: Buffer): Buffer {
    this.#size -= chunk.length
    this.#first += 1
    if (this.#first === this.#chunks.length) {
      this.#chunks = []
      this.#first = 0
    }
    if (this.#size <= heldBytes / 2) this.#letGo()
    return chunk
  }

  #whole(): Collected {
    const chunks = this.#first === 0 ? this.#chunks : this.#chunks.slice(this.#first)
    this.#chunks = []
    this.#first = 0
    return { kind: 'whole', bytes: chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, this.#size) }
  }

  #holdBack(): void {
    if (this.#paused || this.#size <= heldBytes) return
    this.#paused = true
    this.#flow.pause()
  }

  #letGo(): void {
    if (!this.#paused) return
    this.#paused = false
    this.#flow.resume()
  }
}

const heldBytes = 65_536
const done: IteratorResult<Uint8Array, undefined> = { done: true, value: undefined }
