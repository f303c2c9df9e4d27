import { once } from 'node:events'
import { connect, createServer, type AddressInfo } from 'node:net'

export type ConnectRelay = { readonly port: number; readonly [Symbol.asyncDispose]: () => Promise<void> }

/** For tools that know no proxy: each connection to its port becomes a CONNECT to `target`. */
export async function connectRelay(proxyPort: number, target: string): Promise<ConnectRelay> {
  const server = createServer({ noDelay: true }, (client) => {
    const proxy = connect({ port: proxyPort, host: '127.0.0.1', noDelay: true })
    proxy.write(`CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n\r\n`)
    proxy.once('data', (head: Buffer) => {
      if (!head.toString('latin1').startsWith('HTTP/1.1 200 ')) return client.destroy()
      client.pipe(proxy)
      proxy.pipe(client)
    })
    client.on('error', () => {}).on('close', () => proxy.destroy())
    proxy.on('error', () => {}).on('close', () => client.destroy())
  })
  server.listen(0, '127.0.0.1', 1_024)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return { port, [Symbol.asyncDispose]: async () => void server.close() }
}
