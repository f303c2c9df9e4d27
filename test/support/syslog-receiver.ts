import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { createServer as createTlsServer, type TlsOptions } from 'node:tls'
import { freePorts } from './free-ports.ts'
import { octetReader, parseSyslog, type SyslogMessage } from './syslog-parser.ts'

/** A receiver that is strict: what breaks the rules is remembered, and ends a connection. */
export type SyslogReceiver = {
  readonly port: number
  readonly messages: readonly SyslogMessage[]
  readonly faults: string[]
  readonly connections: () => number
  /** What becomes of the next connections: cut before anything is read, read for so many messages and cut, never read, or never ended. */
  readonly moods: (number | 'cut' | 'deaf' | 'keeps')[]
  /** Cuts the connections there are. */
  readonly cut: () => void
  readonly [Symbol.asyncDispose]: () => Promise<void>
}

/** Over TCP with octet counting, or TLS. */
export async function syslogReceiver({
  port = 0,
  tls,
}: { port?: number; tls?: TlsOptions } = {}): Promise<SyslogReceiver> {
  const [messages, faults, moods] = [[] as SyslogMessage[], [] as string[], [] as SyslogReceiver['moods']]
  const open = new Set<Socket>()
  let connections = 0
  const serve = (socket: Socket): void => {
    connections += 1
    socket.on('error', () => {})
    const mood = moods.shift()
    if (mood === 'cut') return void socket.resetAndDestroy()
    if (mood === 'deaf') return void socket.pause()
    const reader = octetReader()
    let taken = 0
    socket.on('data', (chunk: Buffer) => {
      try {
        for (const message of reader.push(chunk)) {
          if (taken++ === mood) return void socket.resetAndDestroy()
          messages.push(parseSyslog(message))
        }
      } catch (thrown) {
        faults.push(String(thrown))
        socket.destroy()
      }
    })
    socket.on('end', () => {
      if (reader.rest() > 0) faults.push('the stream ends in a message')
      if (mood !== 'keeps') socket.end()
    })
  }
  const options = { allowHalfOpen: true }
  const server = tls === undefined ? createServer(options, serve) : createTlsServer({ ...options, ...tls }, serve)
  server.on('tlsClientError', () => {})
  server.on('connection', (socket: Socket) => {
    open.add(socket)
    socket.on('close', () => open.delete(socket))
  })
  // A port that stays its own, also while it is away.
  server.listen(port === 0 ? (await freePorts(1))[0] : port, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    messages,
    faults,
    moods,
    connections: () => connections,
    cut: () => open.forEach((socket) => socket.destroy()),
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close')
      server.close()
      for (const socket of open) socket.destroy()
      await closed
    },
  }
}

/** Over UDP: one message in each datagram. */
export async function datagramReceiver(): Promise<
  Pick<SyslogReceiver, 'port' | 'messages' | 'faults' | typeof Symbol.asyncDispose>
> {
  const [messages, faults] = [[] as SyslogMessage[], [] as string[]]
  const socket = createSocket({ type: 'udp4', recvBufferSize: 4 * 2 ** 20 })
  socket.on('message', (datagram) => {
    try {
      messages.push(parseSyslog(datagram))
    } catch (thrown) {
      faults.push(String(thrown))
    }
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return {
    port: socket.address().port,
    messages,
    faults,
    [Symbol.asyncDispose]: () => new Promise((resolve) => socket.close(() => resolve())),
  }
}
