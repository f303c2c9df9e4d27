import { once } from 'node:events'
import type { AddressInfo, Socket } from 'node:net'
import { createServer } from 'node:tls'
import type { TestAuthority } from './authority.ts'
import { headers, nextFrame, preface, settings, settingsAck, types, type Fields, type Frame } from './http2-frames.ts'
import { over, type RawClient } from './raw-client.ts'

/** A connection of an origin that says exactly what its script says, frame by frame. */
export type Http2Connection = RawClient & {
  /** The next frame of a request that is neither SETTINGS nor WINDOW_UPDATE; undefined once the connection has ended. */
  readonly next: () => Promise<Frame | undefined>
  /** The stream of the next request. */
  readonly request: () => Promise<number>
}

export type Http2Origin = {
  readonly port: number
  readonly address: string
  readonly connections: () => number
  readonly [Symbol.asyncDispose]: () => Promise<void>
}

/** An origin over TLS whose script is called for each connection of HTTP/2, after the SETTINGS of both; `index` counts from 0. */
export async function http2Origin(
  authority: TestAuthority,
  name: string,
  script: (connection: Http2Connection, index: number) => unknown,
  said: Readonly<Record<number, number>> = {},
): Promise<Http2Origin> {
  const sockets = new Set<Socket>()
  let count = 0
  const server = createServer({ ...authority.issue([name]), ALPNProtocols: ['h2'] }, (socket) => {
    sockets.add(socket)
    socket.on('error', () => {}).on('close', () => sockets.delete(socket))
    const index = count++
    const client = over(socket)
    void begin(client, said).then((connection) => script(connection, index))
  })
  server.on('tlsClientError', () => {}).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    port,
    address: `127.0.0.1:${port}`,
    connections: () => count,
    [Symbol.asyncDispose]: async () => {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}

async function begin(client: RawClient, said: Readonly<Record<number, number>>): Promise<Http2Connection> {
  await client.until(preface.length)
  client.send(Buffer.concat([settings(said), settingsAck]))
  const next = async (): Promise<Frame | undefined> => {
    for (;;) {
      const one = await nextFrame(client)
      if (one === undefined || (one.type !== types.settings && one.type !== types.windowUpdate)) return one
    }
  }
  const request = async (): Promise<number> => {
    for (;;) {
      const one = await next()
      if (one === undefined) throw new Error('the connection ended before a request')
      if (one.type === types.headers) return one.id
    }
  }
  return { ...client, next, request }
}

/** The head of an answer. */
export function answer(id: number, status: number, fields: Fields = [], end = false): Buffer {
  return headers(id, [[':status', String(status)], ...fields], { end })
}
