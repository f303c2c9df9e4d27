import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer as createHttp1, type IncomingMessage, type ServerResponse } from 'node:http'
import { connect as connectHttp2, createServer as createHttp2 } from 'node:http2'
import { createServer as createTcp, type AddressInfo, type Socket } from 'node:net'
import type { Duplex, Writable } from 'node:stream'
import { createServer as createTls, type TLSSocket } from 'node:tls'
import { after, before, test } from 'node:test'
import { testAuthority } from '../support/authority.ts'
import { rawClient } from '../support/raw-client.ts'
import { canMeasure, growth } from '../support/resident.ts'
import { startSallyport, type Sallyport } from '../support/sallyport.ts'
import { tlsThrough } from '../support/stage.ts'

const chunk = Buffer.alloc(65_536, 'a')
const size = 400_000_000
const allowedMb = 60
const host = 'api.openai.com'

let sallyport: Sallyport
let origin: Idle
const authority = testAuthority()

before(async () => {
  origin = await idleOrigin()
  sallyport = await startSallyport({
    authority,
    origins: { [`${host}:443`]: origin.tls, [`${host}:80`]: origin.plain },
  })
})

after(async () => {
  await sallyport[Symbol.asyncDispose]()
  origin.close()
})

for (const way of ['HTTP/1.1 over TLS', 'HTTP/2 over TLS', 'plain HTTP/1.1'] as const) {
  test(`${way}: 400 MB up to an origin that does not read take no memory`, { skip: !canMeasure }, async () => {
    const head = { method: 'POST', path: '/up', type: 'audio/wav', length: size }
    await using client = await open(way, head)
    let sent = 0
    const grown = await growth(sallyport.child.pid as number, async () => {
      sent = await writtenUntilStuck(client.stream, size)
    })
    assert.ok(sent < size / 4, `the client could send ${sent} bytes`)
    assert.ok(grown < allowedMb, `${grown} MB more`)
  })

  test(`${way}: 400 MB down to a client that does not read take no memory`, { skip: !canMeasure }, async () => {
    await using client = await open(way, { method: 'GET', path: '/down', type: undefined, length: 0 })
    let sent = 0
    const grown = await growth(sallyport.child.pid as number, async () => {
      sent = await origin.stuck()
    })
    assert.ok(client.stream.readable)
    assert.ok(sent < size / 4, `the origin could send ${sent} bytes`)
    assert.ok(grown < allowedMb, `${grown} MB more`)
  })
}

type Way = 'HTTP/1.1 over TLS' | 'HTTP/2 over TLS' | 'plain HTTP/1.1'
type Asked = { method: string; path: string; type: string | undefined; length: number }

/** A request whose body is still to be written, by a client that reads nothing. */
async function open(way: Way, asked: Asked): Promise<{ stream: Duplex; [Symbol.asyncDispose]: () => Promise<void> }> {
  if (way === 'HTTP/2 over TLS') {
    const tls = await tlsThrough(sallyport.proxyPort, `${host}:443`, sallyport.ca(), ['h2'])
    const session = connectHttp2(`https://${host}`, { createConnection: () => tls })
    session.on('error', () => undefined)
    const fields = asked.type === undefined ? {} : { 'content-type': asked.type, 'content-length': asked.length }
    const stream = session.request(
      { ':method': asked.method, ':path': asked.path, ...fields },
      { endStream: asked.type === undefined },
    )
    stream.on('error', () => undefined)
    return disposable(stream, () => session.destroy())
  }
  const plain = way === 'plain HTTP/1.1'
  const socket: Socket = plain
    ? (await rawClient(sallyport.proxyPort)).socket
    : await tlsThrough(sallyport.proxyPort, `${host}:443`, sallyport.ca(), ['http/1.1'])
  socket.removeAllListeners('data').pause()
  socket.on('error', () => undefined)
  const target = plain ? `http://${host}${asked.path}` : asked.path
  const fields = asked.type === undefined ? '' : `Content-Type: ${asked.type}\r\nContent-Length: ${asked.length}\r\n`
  socket.write(`${asked.method} ${target} HTTP/1.1\r\nHost: ${host}\r\n${fields}\r\n`)
  return disposable(socket, () => socket.destroy())
}

const disposable = (stream: Duplex, close: () => void) => ({
  stream,
  [Symbol.asyncDispose]: async () => close(),
})

/** Writes until nothing more is taken for a while; gives how much was. */
async function writtenUntilStuck(stream: Writable, total: number): Promise<number> {
  let sent = 0
  while (sent < total) {
    sent += chunk.length
    if (stream.write(chunk)) continue
    const drained = await new Promise<boolean>((resolve) => {
      const later = setTimeout(() => settle(false), 700)
      const onDrain = (): void => settle(true)
      const settle = (value: boolean): void => {
        clearTimeout(later)
        stream.off('drain', onDrain)
        resolve(value)
      }
      stream.once('drain', onDrain)
    })
    if (!drained) return sent
  }
  return sent
}

type Idle = {
  readonly tls: { readonly address: string }
  readonly plain: { readonly address: string }
  /** How much of an answer could be written before nothing more was taken. */
  readonly stuck: () => Promise<number>
  readonly close: () => void
}

/** An origin that reads no body and sends as much as it is let to. */
async function idleOrigin(): Promise<Idle> {
  let told = Promise.withResolvers<number>()
  const answer = (request: { url?: string | undefined }, response: ServerResponse): void => {
    if (request.url !== '/down') return
    response.writeHead(200, { 'content-type': 'audio/wav', 'content-length': size })
    void writtenUntilStuck(response, size).then((sent) => told.resolve(sent))
  }
  const http1 = createHttp1({ requestTimeout: 0 }, (request: IncomingMessage, response) => answer(request, response))
  const http2 = createHttp2((request, response) => answer(request, response as unknown as ServerResponse))
  const identity = authority.issue([host])
  const tls = createTls({ ...identity, ALPNProtocols: ['h2', 'http/1.1'] }, (socket: TLSSocket) => {
    socket.on('error', () => undefined)
    ;(socket.alpnProtocol === 'h2' ? http2 : http1).emit('connection', socket)
  })
  const plain = createTcp((socket) => void http1.emit('connection', socket))
  const sockets = new Set<Socket>()
  for (const server of [tls, plain]) {
    server.on('connection', (socket: Socket) => {
      sockets.add(socket)
      socket.on('error', () => undefined)
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
  }
  const at = (server: typeof plain): { address: string } => ({
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
  })
  return {
    tls: at(tls),
    plain: at(plain),
    stuck: async () => {
      const sent = await told.promise
      told = Promise.withResolvers()
      return sent
    },
    close() {
      for (const socket of sockets) socket.destroy()
      tls.close()
      plain.close()
    },
  }
}
