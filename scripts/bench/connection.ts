import { once } from 'node:events'
import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls, createSecureContext, type SecureContext, type TLSSocket } from 'node:tls'
import type { Route } from './jobs.ts'
import { restamp, type Payload } from './payload.ts'

/** Sends the next variant of a request and waits for its whole answer; gives the status, or 0 when the connection ended. */
export function exchange(socket: TLSSocket, request: Payload, onData?: (bytes: Buffer) => void): Promise<number> {
  return new Promise((resolve) => {
    let head = ''
    let status = 0
    let missing = -1
    let tail = ''
    const finish = (result: number) => {
      socket.off('data', read).off('close', gone)
      resolve(result)
    }
    const gone = () => finish(0)
    const read = (bytes: Buffer) => {
      let { length } = bytes
      onData?.(bytes)
      if (status === 0) {
        head += bytes.toString('latin1')
        const end = head.indexOf('\r\n\r\n')
        if (end < 0) return
        status = Number(head.slice(9, 12))
        missing = Number(/\r\ncontent-length: *(\d+)/i.exec(head.slice(0, end + 2))?.[1] ?? -1)
        length = head.length - end - 4
      }
      if (missing >= 0) {
        missing -= length
        if (missing <= 0) finish(status)
      } else if (length > 0) {
        // Answers here end in an event or in JSON, so these bytes cannot be the inside of a chunk.
        tail = (tail + bytes.toString('latin1', Math.max(0, bytes.length - 5))).slice(-5)
        if (tail === '0\r\n\r\n') finish(status)
      }
    }
    socket.on('data', read).on('close', gone)
    socket.write(nextOf(request, socket))
  })
}

/** The next variant of a request. Its bytes are rewritten for the one after: TLS has taken its copy when write returns, unless it had to queue. */
export function nextOf(request: Payload, socket: Socket): Buffer {
  const bytes = restamp(request, ++sent)
  return socket.writableLength > 0 || bytes.length > 8_192 ? Buffer.from(bytes) : bytes
}

/** A TLS connection to a host, through the proxy of the route when it has one. */
export async function dial(route: Route, host: string): Promise<TLSSocket> {
  const tcp = await dialPlain(route, host)
  const tls = connectTls({
    socket: tcp,
    servername: host,
    secureContext: contextOf(route.ca),
    ALPNProtocols: ['http/1.1'],
  })
  tls.on('error', () => {})
  await Promise.race([
    once(tls, 'secureConnect'),
    once(tls, 'close').then(() => Promise.reject(new Error(`no TLS with ${host}`))),
  ])
  return tls
}

/** The same without the TLS. */
export async function dialPlain(route: Route, host: string): Promise<Socket> {
  const tcp = connectTcp({ port: route.proxyPort ?? route.targetPort, host: '127.0.0.1', noDelay: true })
  open.add(tcp)
  tcp.on('error', () => {}).on('close', () => open.delete(tcp))
  await once(tcp, 'connect')
  if (route.proxyPort !== null) await tunnel(tcp, authority(route, host))
  return tcp
}

async function tunnel(tcp: Socket, target: string): Promise<void> {
  tcp.write(`CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n\r\n`)
  const gone = once(tcp, 'close').then(() => Promise.reject(new Error(`no answer to CONNECT ${target}`)))
  gone.catch(() => {})
  let answer = ''
  while (!answer.includes('\r\n\r\n'))
    answer += String(((await Promise.race([once(tcp, 'data'), gone])) as [Buffer])[0])
  if (!/^HTTP\/1\.[01] 200 /.test(answer)) throw new Error(`CONNECT ${target}: ${answer.slice(0, 80)}`)
}

export function authority(route: Route, host: string): string {
  return route.targetPort === 443 || route.proxyPort === null ? `${host}:443` : `${host}:${route.targetPort}`
}

function contextOf(ca: string): SecureContext {
  let context = contexts.get(ca)
  if (context === undefined) contexts.set(ca, (context = createSecureContext({ ca })))
  return context
}

/** Ends every connection. */
export function closeAll(): void {
  for (const socket of open) socket.destroy()
}

const open = new Set<Socket>()
const contexts = new Map<string, SecureContext>()
let sent = 0
