/**
 * The requests of one connection, one after another (RFC 9112, 9.3.2): a pipelined one begins when the one before has been answered,
 * because its effects may depend on that. Work must not reject.
 */
export type Turns = {
  /** Runs the work now, or after what was there before. */
  readonly take: (work: () => Promise<void>) => void
  /** Forgets what waits: nothing that came after is a request any more. */
  readonly drop: () => void
  readonly waiting: () => number
}

export function turns(): Turns {
  return new Line()
}

class Line implements Turns {
  #busy = false
  readonly #queue: (() => Promise<void>)[] = []

  take(work: () => Promise<void>): void {
    if (this.#busy) return void this.#queue.push(work)
    this.#busy = true
    void work().then(this.#next)
  }

  drop(): void {
    this.#queue.length = 0
  }

  waiting(): number {
    return this.#queue.length
  }

  readonly #next = (): void => {
    const work = this.#queue.shift()
    if (work === undefined) this.#busy = false
    else void work().then(this.#next)
  }
}
