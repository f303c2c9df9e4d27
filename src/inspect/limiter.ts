import { lru } from '../lib/lru.ts'
import { firstSlice, sliceAt, weigh } from '../lib/sliding-window.ts'
import type { Admission, Limit, Slice } from '../lib/sliding-window.ts'

/** Counts one more under a key, when that is within the limit. Keys of any length; it rejects when it cannot count. */
export type Limiter = (key: string, limit: Limit) => Promise<Admission> | Admission

/** Counts in this process alone. Of very many keys those used longest ago are forgotten. */
export function memoryLimiter({ now, maxKeys = 10_000 }: { now: () => number; maxKeys?: number }): Limiter {
  const taken = lru<string, readonly Slice[]>({ max: maxKeys })
  return (key, limit) => {
    const at = now()
    const first = firstSlice(at, limit.windowMs)
    const slices = (taken.get(key) ?? []).filter(({ slice }) => slice >= first)
    const admission = weigh(slices, limit, at)
    if (admission.admitted) taken.set(key, oneMore(slices, sliceAt(at, limit.windowMs)))
    return admission
  }
}

function oneMore(slices: readonly Slice[], now: number): readonly Slice[] {
  const last = slices.at(-1)
  // Where the clock was put back, the newest slice stays the newest.
  if (last === undefined || last.slice < now) return [...slices, { slice: now, count: 1 }]
  return [...slices.slice(0, -1), { slice: last.slice, count: last.count + 1 }]
}
