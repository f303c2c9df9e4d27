import type { Socket } from 'node:net'
import type { Asker } from '../engine/exchange.ts'
import { plainAddress } from '../lib/ip.ts'
import type { Attribution } from './process/attribution.ts'

/**
 * The program at the other end of a connection; it is looked for when this is first called, and never again. `redirected`: the client may
 * have dialled another address than ours.
 */
export function askerOf(
  { lookFor }: Pick<Attribution, 'lookFor'>,
  socket: Socket,
  redirected: boolean,
): () => Asker | undefined {
  let begun = false
  let asker: Asker | undefined
  return () => {
    if (begun) return asker
    begun = true
    const { remoteAddress, remotePort, localAddress, localPort } = socket
    if (remoteAddress === undefined || remotePort === undefined || localPort === undefined) return undefined
    const server = redirected ? null : { address: plainAddress(localAddress ?? ''), port: localPort }
    return (asker = lookFor({ client: { address: plainAddress(remoteAddress), port: remotePort }, server }))
  }
}
