/** Something with time limits of its own. */
export type Timed = {
  /** Ends it when it has been quiet for too long; `now` is the clock that it was made with. */
  readonly check: (now: number) => void
}

/** Looks at everything that was added, every `everyMs`, by one timer that runs while there is something. */
export function checks(everyMs: number, clock: () => number): Pick<Set<Timed>, 'add' | 'delete'> {
  const timed = new Set<Timed>()
  let timer: NodeJS.Timeout | undefined
  const look = (): void => {
    const now = clock()
    for (const one of timed) one.check(now)
    if (timed.size > 0) return
    clearInterval(timer)
    timer = undefined
  }
  return {
    add(one) {
      timer ??= setInterval(look, everyMs).unref()
      return timed.add(one)
    },
    delete: (one) => timed.delete(one),
  }
}
