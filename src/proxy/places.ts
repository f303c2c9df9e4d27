import { plainAddress } from '../lib/ip.ts'
import { lru } from '../lib/lru.ts'
import type { Destination } from './conntrack.ts'

/** Whether an address that a client dialled is one of a name, as far as anybody knows. */
export type Place = 'there' | 'elsewhere' | 'unknown'

export type Places = {
  /** `now`: what the name resolves to at this moment; those that it has resolved to before count as well. */
  readonly placeOf: (to: Destination | undefined, host: string, now: readonly string[]) => Place
}

/**
 * Names with many addresses are told a few of them at a time, and not everybody the same: what a name was at is remembered for `keepMs`, for so
 * many names, and so many addresses of each, as memory has room for. `now` is in milliseconds.
 */
export function places({ now, keepMs, maxNames }: { now: () => number; keepMs: number; maxNames: number }): Places {
  const known = lru<string, ReadonlyMap<string, number>>({ max: maxNames })
  return {
    placeOf(to, host, addresses) {
      const time = now()
      const fresh = addresses.map(plainAddress)
      const kept = [...(known.get(host) ?? [])].filter(([old, at]) => time - at < keepMs && !fresh.includes(old))
      const seen = new Map([...kept, ...fresh.map((address) => [address, time] as const)].slice(-maxAddresses))
      if (fresh.length > 0) known.set(host, seen)
      if (to === undefined || seen.size === 0) return 'unknown'
      return seen.has(to.address) ? 'there' : 'elsewhere'
    },
  }
}

const maxAddresses = 64
