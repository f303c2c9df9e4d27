import type { Duplex } from 'node:stream'
import type { Connection } from './context.ts'

/** Connections that speak HTTP/1.1 with us, and which of them are between two requests. */
export type Served = {
  readonly add: (context: Connection, socket: Duplex) => void
  /** The connection has become something else: a tunnel has no requests. */
  readonly remove: (context: Connection) => void
  /** The connection is in use until `work` settles. */
  readonly during: (context: Connection, work: Promise<void>) => Promise<void>
  /** Closes those on which nothing is in flight. */
  readonly closeIdle: () => void
}

export function servedConnections(): Served {
  const served = new Map<Connection, { readonly socket: Duplex & { destroySoon?: () => void }; requests: number }>()
  return {
    add(context, socket) {
      served.set(context, { socket, requests: 0 })
      socket.once('close', () => served.delete(context))
    },
    remove: (context) => void served.delete(context),
    async during(context, work) {
      const entry = served.get(context)
      if (entry === undefined) return work
      entry.requests += 1
      try {
        await work
      } finally {
        entry.requests -= 1
      }
    },
    closeIdle() {
      for (const { socket, requests } of served.values()) {
        if (requests > 0) continue
        if (socket.destroySoon === undefined) socket.destroy()
        else socket.destroySoon()
      }
    },
  }
}
