// A CONNECT server that only relays: the mark for tunnels.
import { once } from 'node:events'
import { createServer, type AddressInfo, connect } from 'node:net'

const server = createServer({ noDelay: true }, (client) => {
  client.on('error', () => {})
  client.once('data', (head: Buffer) => {
    const port = Number(/^CONNECT [^ ]+:(\d+) /.exec(head.toString('latin1'))?.[1])
    const origin = connect({ port, host: '127.0.0.1', noDelay: true }, () => {
      client.write('HTTP/1.1 200 OK\r\n\r\n')
      client.pipe(origin)
      origin.pipe(client)
    })
    origin.on('error', () => client.destroy()).on('close', () => client.destroy())
    client.on('close', () => origin.destroy())
  })
})
server.listen(0, '127.0.0.1', 4_096)
await once(server, 'listening')
process.send?.({ port: (server.address() as AddressInfo).port })
process.on('disconnect', () => process.exit(0))
