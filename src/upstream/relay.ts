import type { Duplex } from 'node:stream'

export type Relayed = { readonly up: number; readonly down: number; readonly error: string | null }

/**
 * Relays bytes both ways until both sides have ended, half-closes included; back-pressure by pausing. Resolves with the counts;
 * an error on one side destroys the other.
 */
export function relay(client: Duplex, origin: Duplex): Promise<Relayed> {
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
      from.on('end', () => to.end())
      from.on('error', (error: NodeJS.ErrnoException) => {
        failed ??= error.code ?? error.message
        to.destroy()
      })
      from.on('close', () => {
        if (!from.readableEnded) to.destroy()
        done()
      })
    }
    link(client, origin, 'up')
    link(origin, client, 'down')
    // Whoever looked at the first bytes has paused them.
    client.resume()
    origin.resume()
  })
}
