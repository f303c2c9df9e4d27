/** A map that forgets what was used longest ago. */
export type Lru<K, V> = {
  /** The value, which becomes the most recently used. */
  readonly get: (key: K) => V | undefined
  /** The value, without touching the order. */
  readonly peek: (key: K) => V | undefined
  readonly set: (key: K, value: V) => void
  readonly delete: (key: K) => boolean
  readonly clear: () => void
  readonly size: () => number
  /** Sum of the weights held. */
  readonly weight: () => number
}

/**
 * Holds at most `max` of weight; every entry weighs 1 unless `weigh` says otherwise. An entry heavier than `max` is not kept.
 * `onEvict` hears of entries that had to make room, not of those deleted or replaced.
 */
export function lru<K, V>({ max, weigh, onEvict }: LruOptions<K, V>): Lru<K, V> {
  const entries = new Map<K, { value: V; weight: number }>()
  let held = 0

  const remove = (key: K): boolean => {
    const entry = entries.get(key)
    if (entry === undefined) return false
    held -= entry.weight
    return entries.delete(key)
  }

  const makeRoom = (): void => {
    for (const [key, entry] of entries) {
      if (held <= max) return
      remove(key)
      onEvict?.(key, entry.value)
    }
  }

  return {
    get: (key) => {
      const entry = entries.get(key)
      if (entry === undefined) return undefined
      entries.delete(key)
      entries.set(key, entry)
      return entry.value
    },
    peek: (key) => entries.get(key)?.value,
    set: (key, value) => {
      remove(key)
      const weight = weigh?.(value, key) ?? 1
      if (weight > max) return
      entries.set(key, { value, weight })
      held += weight
      makeRoom()
    },
    delete: remove,
    clear: () => {
      entries.clear()
      held = 0
    },
    size: () => entries.size,
    weight: () => held,
  }
}

export type LruOptions<K, V> = {
  readonly max: number
  readonly weigh?: (value: V, key: K) => number
  readonly onEvict?: (key: K, value: V) => void
}
