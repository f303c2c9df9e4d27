/** Something with time limits of its own. */
export type Timed = {
  /** Ends it when it has been quiet for too long; `now` is the clock that it was made with. */
  readonly check: (now: number) => void
}

export type Checks<T extends Timed> = {
  readonly add: (one: T) => void
  readonly delete: (one: T) => void
  /** What has been added and not deleted. */
  readonly all: () => Iterable<T>
}

/** Looks at everything that was added, every `everyMs`, by one timer that runs while there is something. */
export function checks<T extends Timed>(everyMs: number, clock: () => number): Checks<T> {
  const timed = new Set<T>()
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
      timed.add(one)
    },
    delete: (one) => void timed.delete(one),
    all: () => timed,
  }
}
