import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { TLSSocket } from 'node:tls'

export type Relayed = { readonly up: number; readonly down: number; readonly error: string | null }

/**
 * Relays bytes both ways until both sides have ended, half-closes included; back-pressure by pausing. Resolves with the counts;
 * an error on one side resets the other, which must not take it for a clean end. Where the client speaks TLS to us, `clientTcp` is what
 * is under it and can be reset.
 */
export function relay(client: Duplex, origin: Duplex, clientTcp: Duplex = client): Promise<Relayed> {
  return new Promise((resolve) => {
    const counts = { up: 0, down: 0 }
    let open = 2
    let failed: string | null = null
    const done = (): void => {
      open -= 1
      if (open === 0) resolve({ ...counts, error: failed })
    }
    const link = (from: Duplex, to: Duplex, way: 'up' | 'down'): void => {
      from.on('data', (chunk: Buffer) => {
        counts[way] += chunk.length
        if (!to.write(chunk)) from.pause()
      })
      to.on('drain', () => from.resume())
      if (from.readableEnded) to.end()
      else from.on('end', () => to.end())
      from.on('error', (error: NodeJS.ErrnoException) => {
        failed ??= error.code ?? error.message
        breakOff(to === client ? clientTcp : to)
      })
      from.on('close', () => {
        if (!from.readableEnded) to.destroy()
        done()
      })
    }
    // One side may end long before the other: neither is to end itself for that.
    client.allowHalfOpen = true
    origin.allowHalfOpen = true
    link(client, origin, 'up')
    link(origin, client, 'down')
    // Whoever looked at the first bytes has paused them.
    client.resume()
    origin.resume()
  })
}

function breakOff(socket: Duplex): void {
  if (socket instanceof Socket && !(socket instanceof TLSSocket)) socket.resetAndDestroy()
  else socket.destroy()
}
