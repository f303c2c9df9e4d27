import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { Origin } from '../../support/origin.ts'
import { internet } from './laptop.ts'

/** The ports of the internet: TLS and plain origins, and an echo on UDP. */
export async function startInternet(tls: Origin, plain: Origin): Promise<void> {
  for (const at of ['0.0.0.0', '::']) {
    for (const [port, to] of [
      [443, tls.port],
      [80, plain.port],
    ] as const) {
      const server = createServer((socket) => {
        const on = connect(to, '127.0.0.1')
        for (const end of [socket, on]) end.on('error', () => socket.destroy() && on.destroy())
        socket.pipe(on).pipe(socket)
      })
      await once(server.listen({ host: at, port, ipv6Only: true }), 'listening')
    }
  }
  // Bound to each address: an answer from another than was asked is not heard.
  for (const address of Object.values(internet)) {
    for (const port of [53, 443]) {
      const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4')
      socket.on('message', (message, from) => socket.send(`echo ${message.toString()}`, from.port, from.address))
      await once(socket.bind(port, address), 'listening')
    }
  }
}
