/** Messages that leave in their order, each when it may. */
export class WaitingLine {
  /** Of those that wait. */
  bytes = 0
  #tail: Promise<void> | undefined

  get empty(): boolean {
    return this.#tail === undefined
  }

  /** `leave` is called when all before have left, and must not reject. */
  join(bytes: number, leave: () => Promise<void>): void {
    this.bytes += bytes
    const left = this.#leaving(bytes, this.#tail, leave).finally(() => {
      if (this.#tail === left) this.#tail = undefined
    })
    this.#tail = left
  }

  /** Resolves when those that wait now have left. */
  async left(): Promise<void> {
    await this.#tail
  }

  async #leaving(bytes: number, before: Promise<void> | undefined, leave: () => Promise<void>): Promise<void> {
    await before
    await leave()
    this.bytes -= bytes
  }
}
