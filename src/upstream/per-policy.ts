import type { Upstream } from './send.ts'

/**
 * A way out for each policy set: a connection that says under which policy its content was inspected carries nothing else. `inForce` gives
 * the digest of the set for new connections; requests that were inspected under another one have a way of their own, which keeps nothing.
 */
export function perPolicy(
  make: (policy: string) => Upstream,
  inForce: () => string,
): Upstream & {
  /** Another set may be in force: connections of others finish what they carry. */
  readonly changed: () => void
} {
  const ways = new Map<string, Way>()

  const changed = (): void => {
    const current = inForce()
    for (const [policy, way] of ways) if (policy !== current) retire(way)
  }

  const of = (policy: string): Upstream => {
    const known = ways.get(policy)
    if (known !== undefined && !(known.retired && policy === inForce())) return known.upstream
    const way: Way = { upstream: make(policy), retired: false }
    ways.delete(policy)
    ways.set(policy, way)
    changed()
    for (const old of ways.keys()) if (ways.size > mostWays && old !== policy && old !== inForce()) ways.delete(old)
    return way.upstream
  }

  return {
    send: (request, sending) => of(sending.policy ?? inForce()).send(request, sending),
    upgrade: (request, signal, carriage) => of(carriage?.policy ?? inForce()).upgrade(request, signal, carriage),
    changed,
    retire() {
      for (const way of ways.values()) retire(way)
    },
    async close() {
      await Promise.all([...ways.values()].map(({ upstream }) => upstream.close()))
    },
  }
}

type Way = { readonly upstream: Upstream; retired: boolean }

function retire(way: Way): void {
  if (way.retired) return
  way.retired = true
  way.upstream.retire()
}

// The one in force, and those under which something may still be going on.
const mostWays = 4
