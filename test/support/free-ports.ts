import { randomInt } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:net'

/**
 * Ports of 127.0.0.1 that are free, and that nobody else is given while this process lives: not by the system, which gives out larger ones,
 * nor here in another process of the tests.
 */
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = []
  while (ports.length < count) {
    const port = randomInt(11_000, 32_768)
    if ((await claims(port)) && (await isFree(port))) ports.push(port)
  }
  return ports
}

/** The UDP port of the same number, which nobody uses, is bound as long as this process lives. */
async function claims(port: number): Promise<boolean> {
  const claim = createSocket('udp4').bind(port, '127.0.0.1').unref()
  const bound = await once(claim, 'listening').catch(() => undefined)
  if (bound === undefined) claim.close()
  return bound !== undefined
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1')
  if ((await once(server, 'listening').catch(() => undefined)) === undefined) return false
  await once(server.close(), 'close')
  return true
}
