/**
 * Lets `atOnce` in at a time, the others wait in order. Resolves to the function to call on leaving, or at once to undefined where
 * `maxWaiting` are waiting already.
 */
export function turnstile(options: {
  readonly atOnce: number
  readonly maxWaiting: number
}): () => Promise<(() => void) | undefined> {
  const waiting: ((release: () => void) => void)[] = []
  let inside = 0
  let first = 0
  const release = (): void => {
    const next = waiting[first]
    if (next === undefined) {
      inside -= 1
      return
    }
    first += 1
    if (first === waiting.length) {
      waiting.length = 0
      first = 0
    }
    next(release)
  }
  return () => {
    if (inside < options.atOnce) {
      inside += 1
      return Promise.resolve(release)
    }
    if (waiting.length - first >= options.maxWaiting) return Promise.resolve(undefined)
    return new Promise((resolve) => {
      waiting.push(resolve)
    })
  }
}
