import { SallyportError } from '../core/errors.ts'
import type { SpoolFile, Spools } from './spool.ts'

export type BudgetTerms = {
  /** Bytes that all bodies in memory may take together. */
  readonly limit: () => number
  readonly spools: Spools
  readonly maxWaiting: number
  readonly waitMs: number
  readonly notice?: (what: 'spooled' | 'refused') => void
}

/** What all bodies in memory may take together. Who finds no room waits on disk, first come, first served; one that is larger than all of it goes alone. */
export class Budget {
  readonly #terms: BudgetTerms
  readonly #queue: Waiting[] = []
  #used = 0

  constructor(terms: BudgetTerms) {
    this.#terms = terms
  }

  get used(): number {
    return this.#used
  }

  get waiting(): number {
    return this.#queue.length
  }

  /** The share of one body; `signal` ends its waiting. */
  lease(signal: AbortSignal): Lease {
    return new Lease(this, signal)
  }

  /** Takes room if there is any and nobody waits for it. */
  take(bytes: number): boolean {
    if (this.#queue.length > 0 || this.#used + bytes > this.#terms.limit()) return false
    this.#used += bytes
    return true
  }

  give(bytes: number): void {
    this.#used -= bytes
    if (this.#queue.length > 0) this.#admit()
  }

  /** Takes room as soon as it is this one's turn. Rejects with `overloaded` when too many wait or it takes too long. */
  wait(bytes: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.reject(left())
    if (this.take(bytes)) return Promise.resolve()
    if (this.#queue.length >= this.#terms.maxWaiting) return Promise.reject(this.refusal('too many bodies wait for it'))
    return new Promise((resolve, reject) => {
      const settle = (outcome: () => void): void => {
        clearTimeout(timer)
        signal.removeEventListener('abort', gone)
        outcome()
      }
      const leave = (why: () => SallyportError): void => {
        const at = this.#queue.indexOf(waiting)
        if (at === -1) return
        this.#queue.splice(at, 1)
        settle(() => reject(why()))
        this.#admit()
      }
      const gone = (): void => leave(left)
      const timer = setTimeout(() => leave(() => this.refusal('it took too long')), this.#terms.waitMs)
      const waiting: Waiting = { bytes, admit: () => settle(resolve) }
      signal.addEventListener('abort', gone)
      this.#queue.push(waiting)
      this.#admit()
    })
  }

  /** A place on disk. Rejects with `overloaded` when there is none. */
  spool(): SpoolFile {
    const file = this.#terms.spools.open()
    this.#terms.notice?.('spooled')
    return file
  }

  refusal(why: string): SallyportError {
    this.#terms.notice?.('refused')
    return new SallyportError('overloaded', `there is no room for the body: ${why}`)
  }

  #admit(): void {
    for (let first = this.#queue[0]; first !== undefined; first = this.#queue[0]) {
      const limit = this.#terms.limit()
      if (this.#used + Math.min(first.bytes, limit) > limit) return
      this.#queue.shift()
      this.#used += first.bytes
      first.admit()
    }
  }
}

type Waiting = { readonly bytes: number; readonly admit: () => void }

/** What one body takes of the budget, and its file. `end` gives all of it back, whatever became of the body. */
export class Lease {
  /** The body is on its way through: it gives back what it holds as it leaves. */
  passing = false
  readonly #budget: Budget
  readonly #signal: AbortSignal
  #held = 0
  #file: SpoolFile | undefined
  #ended = false

  constructor(budget: Budget, signal: AbortSignal) {
    this.#budget = budget
    this.#signal = signal
  }

  get held(): number {
    return this.#held
  }

  take(bytes: number): boolean {
    if (this.#ended) return true
    if (!this.#budget.take(bytes)) return false
    this.#held += bytes
    return true
  }

  give(bytes: number): void {
    const given = Math.min(bytes, this.#held)
    this.#held -= given
    if (given > 0) this.#budget.give(given)
  }

  /** Only so much of the body is left. */
  shrink(bytes: number): void {
    if (!this.passing) this.give(Math.max(0, this.#held - bytes))
  }

  async wait(bytes: number): Promise<void> {
    await this.#budget.wait(bytes, this.#signal)
    if (this.#ended) this.#budget.give(bytes)
    else this.#held += bytes
  }

  /** The body's file; there is one at a time. */
  spool(): SpoolFile {
    this.#file?.close()
    this.#file = this.#budget.spool()
    return this.#file
  }

  end(): void {
    this.#ended = true
    this.#file?.close()
    this.#file = undefined
    this.give(this.#held)
  }
}

function left(): SallyportError {
  return new SallyportError('client_aborted', 'the client went away')
}
