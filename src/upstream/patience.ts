import { lru } from '../lib/lru.ts'

/** How long origins keep a connection that is idle, learnt from those that they closed. */
export type Patience = {
  /** How long a connection to this origin may be idle and still be used, in milliseconds. */
  readonly of: (key: string) => number
  /** The origin has closed a connection that was idle for so long. */
  readonly learn: (key: string, idleMs: number) => void
}

/**
 * A request that is on its way when the origin closes is lost, and most cannot be sent twice (RFC 9110, 9.2.2): so connections are given up
 * before their origin does. What was learnt is forgotten after a while: an origin that restarts closes early, once. `clock` gives
 * milliseconds.
 */
export function patience(clock: () => number): Patience {
  const learnt = lru<string, { readonly idleMs: number; readonly until: number }>({ max: maxKeys })

  const known = (key: string): number | undefined => {
    const one = learnt.peek(key)
    if (one === undefined || one.until > clock()) return one?.idleMs
    learnt.delete(key)
    return undefined
  }

  return {
    of(key) {
      const idleMs = learnt.size() === 0 ? undefined : known(key)
      return idleMs === undefined ? keptMs : Math.min(keptMs, Math.max(idleMs / 2, idleMs - marginMs))
    },
    learn(key, idleMs) {
      if (idleMs < shortestMs || idleMs > keptMs) return
      const shortest = Math.min(idleMs, known(key) ?? idleMs)
      learnt.set(key, { idleMs: shortest, until: clock() + rememberMs })
    },
  }
}

const keptMs = 30_000
const marginMs = 1_000
// A connection that ends at once has another reason.
const shortestMs = 250
const rememberMs = 600_000
const maxKeys = 2_000
