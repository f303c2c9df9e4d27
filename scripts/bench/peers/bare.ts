// What interception costs on node:http and undici when nothing is read, judged or recorded: the mark that ours is measured by.
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { createSecureContext, TLSSocket, type SecureContext } from 'node:tls'
import { Agent, type Dispatcher } from 'undici'
import { testAuthority } from '../../../test/support/authority.ts'

const [caFile = 'ca.pem'] = process.argv.slice(2)
const authority = testAuthority('Bare interceptor')
writeFileSync(caFile, authority.cert)

const contexts = new Map<string, SecureContext>()
const upstream = new Agent({ connections: 128, pipelining: 1 })
const inner = createServer({ keepAliveTimeout: 0, requestTimeout: 0 }, forward)
const front = createServer()
front.on('connect', (request: IncomingMessage, socket: Socket, head: Buffer) => {
  const target = request.url ?? ''
  socket.on('error', () => {})
  socket.write('HTTP/1.1 200 OK\r\n\r\n')
  if (head.length > 0) socket.unshift(head)
  const host = target.slice(0, target.lastIndexOf(':'))
  const tls = new TLSSocket(socket, { isServer: true, secureContext: contextFor(host), ALPNProtocols: ['http/1.1'] })
  tls.on('error', () => {})
  inner.emit('connection', Object.assign(tls, { target }))
})
front.listen(0, '127.0.0.1')
await once(front, 'listening')
process.send?.({ port: (front.address() as AddressInfo).port })
process.on('disconnect', () => process.exit(0))

function contextFor(host: string): SecureContext {
  let context = contexts.get(host)
  if (context === undefined) contexts.set(host, (context = createSecureContext(authority.issue([host]))))
  return context
}

function forward(request: IncomingMessage, response: ServerResponse): void {
  const { target } = request.socket as Socket & { target: string }
  const body = request.method === 'GET' ? null : request
  const options: Dispatcher.DispatchOptions = {
    origin: `https://${target}`,
    path: request.url ?? '/',
    method: request.method ?? 'GET',
    headers: hopless(request.rawHeaders),
    body,
  }
  upstream.dispatch(options, handlerFor(response))
}

function handlerFor(response: ServerResponse): Dispatcher.DispatchHandler {
  return {
    onRequestStart: (controller) =>
      void response.on('close', () => response.writableFinished || controller.abort(new Error('gone'))),
    onResponseStart: (_controller, status, headers) =>
      void response.writeHead(status, headers as Record<string, string>),
    onResponseData: (controller, chunk) => {
      if (response.write(chunk)) return
      controller.pause()
      response.once('drain', () => controller.resume())
    },
    onResponseEnd: () => void response.end(),
    onResponseError: () => void (response.headersSent ? response.destroy() : response.writeHead(502).end()),
  }
}

function hopless(raw: readonly string[]): string[] {
  const kept: string[] = []
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i] as string
    if (!/^(?:connection|keep-alive|transfer-encoding|te|upgrade|expect)$/i.test(name))
      kept.push(name, raw[i + 1] as string)
  }
  return kept
}
