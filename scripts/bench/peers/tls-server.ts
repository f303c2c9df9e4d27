// A TLS server that only shakes hands: the mark for handshakes.
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:tls'

const [identity] = (await once(process, 'message')) as [{ cert: string; key: string }]
const server = createServer({ ...identity, ALPNProtocols: ['http/1.1'] }, (socket) => {
  socket.on('error', () => {}).resume()
})
server.on('tlsClientError', () => {})
server.listen(0, '127.0.0.1', 4_096)
await once(server, 'listening')
process.send?.({ port: (server.address() as AddressInfo).port })
process.on('disconnect', () => process.exit(0))
