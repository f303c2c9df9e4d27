/** Runs `job` once per key at a time: whoever asks while it runs gets the same promise. Nothing is kept once it has settled. */
export function singleFlight<K, V>(job: (key: K) => Promise<V>): (key: K) => Promise<V> {
  const running = new Map<K, Promise<V>>()
  return (key) => {
    const known = running.get(key)
    if (known !== undefined) return known
    const promise = job(key).finally(() => running.delete(key))
    running.set(key, promise)
    return promise
  }
}

/** The promise's outcome, or a rejection with `late()` after `ms` milliseconds. The promise itself goes on. */
export function withTimeout<T>(promise: Promise<T>, ms: number, late: () => Error): Promise<T> {
  const { promise: outcome, resolve, reject } = Promise.withResolvers<T>()
  const timer = setTimeout(() => reject(late()), ms)
  promise.then(resolve, reject).finally(() => clearTimeout(timer))
  return outcome
}

/** Runs jobs one after another, each in a turn of the event loop of its own, so that a burst of short ones never blocks it. */
export function oneAtATime(): <T>(job: () => T) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve()
  return (job) => {
    const run = last.then(nextTurn).then(job)
    last = run.catch(() => undefined)
    return run
  }
}

/** Resolves in a later turn of the event loop, after waiting I/O had its chance. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}

/** What `job` makes of each, in order; no more than `most` at a time. Rejects with the first failure, and begins nothing after it. */
export async function inParallel<T, R>(items: readonly T[], most: number, job: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  let next = 0
  let failed = false
  const work = async (): Promise<void> => {
    while (next < items.length && !failed) {
      const index = next++
      try {
        results[index] = await job(items[index] as T)
      } catch (error) {
        failed = true
        throw error
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(most, items.length) }, work))
  return results
}
