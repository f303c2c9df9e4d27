import { readFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer as createHttp } from 'node:http'
import { createServer as createHttps } from 'node:https'
import { createServer as createTcp } from 'node:net'
import { at } from './network.ts'

// The origins of the internet, until their standard input ends: each answers with where it was asked, by whom, and for what.
const [cert = '', key = ''] = process.argv.slice(2)
const tls = { cert: readFileSync(cert), key: readFileSync(key) }
const answer = (request: IncomingMessage, response: ServerResponse): void => {
  const { localAddress, localPort, remoteAddress } = request.socket
  response.end(
    JSON.stringify({
      at: localAddress,
      port: localPort,
      from: remoteAddress,
      host: request.headers.host,
      url: request.url,
    }),
  )
}
const addresses = [at.openai.ipv4, at.openai.ipv6, at.other.ipv4, at.other.ipv6]
const listening: Promise<void>[] = []
const open = (server: ReturnType<typeof createTcp>, port: number, host: string): void =>
  void listening.push(new Promise((resolve) => server.listen(port, host, () => resolve())))
for (const address of addresses) {
  for (const port of [443, 8443]) open(createHttps(tls, answer), port, address)
  for (const port of [80, 8080]) open(createHttp(answer), port, address)
}
open(
  createTcp((socket) => void socket.on('error', () => {}).once('data', (bytes) => socket.end(`raw ${bytes.length}`))),
  443,
  at.raw,
)
await Promise.all(listening)
console.log('listening')
