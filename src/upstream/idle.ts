/** Idle things of one kind, such as connections to one origin each. */
export type Idle<T> = {
  /** The one that was used last. */
  readonly take: (key: string) => T | undefined
  readonly put: (key: string, one: T) => void
  readonly remove: (key: string, one: T) => void
  readonly size: () => number
}

/** Keeps what is idle, at most `perKey` of a key and `total` in all; `evicted` gets what has to make room, longest idle first. */
export function idle<T>(options: {
  readonly perKey: number
  readonly total: number
  readonly evicted: (one: T) => void
}): Idle<T> {
  const stacks = new Map<string, T[]>()
  // In the order in which they became idle.
  const all = new Map<T, string>()

  const remove = (key: string, one: T): void => {
    const stack = stacks.get(key)
    const at = stack?.lastIndexOf(one) ?? -1
    if (stack === undefined || at === -1) return
    stack.splice(at, 1)
    all.delete(one)
    if (stack.length === 0) stacks.delete(key)
  }

  const evict = (key: string, one: T): void => {
    remove(key, one)
    options.evicted(one)
  }

  return {
    remove,
    take(key) {
      const stack = stacks.get(key)
      const one = stack?.pop()
      if (stack === undefined || one === undefined) return undefined
      all.delete(one)
      if (stack.length === 0) stacks.delete(key)
      return one
    },
    put(key, one) {
      const stack = stacks.get(key)
      if (stack === undefined) stacks.set(key, [one])
      else stack.push(one)
      all.set(one, key)
      if (stack !== undefined && stack.length > options.perKey) evict(key, stack[0] as T)
      if (all.size > options.total) {
        const [oldest, of] = all.entries().next().value as [T, string]
        evict(of, oldest)
      }
    },
    size: () => all.size,
  }
}
