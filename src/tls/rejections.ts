import { lru } from '../lib/lru.ts'

/** Who refused which leaf, for policies that say `onRejectedLeaf: tunnel`. */
export type Rejections = {
  /** A client refused the leaf for this host by an alert. */
  readonly note: (client: string, host: string) => void
  /** Until when this client's connections to this host are to be tunnelled; undefined when they are not. */
  readonly tunnelUntil: (client: string, host: string) => number | undefined
  readonly size: () => number
}

/** Remembers for `ms` milliseconds from the last refusal, and the latest `max` pairs only. One client never changes another's. */
export function rejections({ ms, max, now }: { ms: number; max: number; now: () => number }): Rejections {
  const until = lru<string, number>({ max })
  // Neither an address nor a host name has a space in it.
  const pair = (client: string, host: string): string => `${client} ${host}`
  return {
    note: (client, host) => until.set(pair(client, host), now() + ms),
    tunnelUntil: (client, host) => {
      const key = pair(client, host)
      const end = until.peek(key)
      if (end === undefined || end > now()) return end
      until.delete(key)
      return undefined
    },
    size: until.size,
  }
}
