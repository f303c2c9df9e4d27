import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { TestContext } from 'node:test'

export type OutsideJudge = {
  readonly url: string
  readonly asked: { readonly headers: IncomingHttpHeaders; readonly body: string }[]
  readonly connections: () => number
  /** Resolves when the first question has come. */
  readonly someoneAsks: Promise<void>
  /** Cuts the connections, as a server does that has waited long enough. */
  readonly dropIdle: () => void
  readonly close: () => Promise<void>
}

type Manner = { status?: number; headers?: Record<string, string>; hangUp?: boolean }

/** A server that gives every question the same reply: a string as it is, anything else as JSON, undefined never. */
export async function outsideJudge(
  t: TestContext,
  reply: unknown,
  { status = 200, headers = {}, hangUp = false }: Manner = {},
): Promise<OutsideJudge> {
  const asked: OutsideJudge['asked'] = []
  const sockets = new Set<Socket>()
  const { promise: someoneAsks, resolve } = Promise.withResolvers<void>()
  let connections = 0
  const server = createServer(async (request, answer) => {
    const chunks: Uint8Array[] = []
    for await (const chunk of request as AsyncIterable<Uint8Array>) chunks.push(chunk)
    asked.push({ headers: request.headers, body: Buffer.concat(chunks).toString('utf8') })
    resolve()
    if (reply === undefined) return
    answer.writeHead(status, { 'content-type': 'application/json', ...headers })
    const text = typeof reply === 'string' ? reply : JSON.stringify(reply)
    if (hangUp) answer.write(text, () => request.socket.destroy())
    else answer.end(status === 204 ? undefined : text)
  })
  server.on('connection', (socket) => {
    connections++
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((ready) => {
    server.listen(0, '127.0.0.1', ready)
  })
  const close = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy()
    await new Promise((closed) => {
      server.close(closed)
    })
  }
  t.after(close)
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/judge`
  const dropIdle = (): void => sockets.forEach((socket) => socket.destroy())
  return { url, asked, connections: () => connections, someoneAsks, dropIdle, close }
}
