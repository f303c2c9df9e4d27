import { once } from 'node:events'
import {
  Client,
  credentials,
  Metadata,
  Server,
  ServerCredentials,
  status,
  type ClientDuplexStream,
  type ClientReadableStream,
  type ClientWritableStream,
  type handleBidiStreamingCall,
  type handleClientStreamingCall,
  type handleServerStreamingCall,
  type handleUnaryCall,
  type MethodDefinition,
  type ServiceError,
} from '@grpc/grpc-js'
import type { TestAuthority } from './authority.ts'

/** A gRPC service over TLS whose messages are bytes. */
export type GrpcServer = {
  readonly address: string
  /** Calls that their client has given up, by method. */
  readonly cancelled: string[]
  /** Waits until that many calls were given up. */
  readonly cancellations: (count: number) => Promise<void>
  readonly close: () => void
}

/**
 * `Echo` answers what it got, with the metadata `x-*`, or fails as the metadata say; `Join` answers all it got as one; `Count` sends as
 * many messages as it is told; `Chat` answers each message before the next; `Hang` never answers; `Leave` gives up after one message.
 */
export async function startGrpcServer(authority: TestAuthority, names: readonly string[]): Promise<GrpcServer> {
  const { cert, key } = authority.issue(names)
  const server = new Server({ 'grpc.max_receive_message_length': -1 })
  const cancelled: string[] = []
  const news = new EventTarget()
  const gaveUp = (call: string) => () => {
    cancelled.push(call)
    news.dispatchEvent(new Event('cancelled'))
  }
  server.addService(definitions, { Echo: echo, Join: join, Count: count, Chat: chat, Leave: leave, Hang: hang(gaveUp) })
  const port = await new Promise<number>((resolve, reject) => {
    const secure = ServerCredentials.createSsl(null, [{ cert_chain: Buffer.from(cert), private_key: Buffer.from(key) }])
    server.bindAsync('127.0.0.1:0', secure, (error, bound) => (error === null ? resolve(bound) : reject(error)))
  })
  return {
    address: `127.0.0.1:${port}`,
    cancelled,
    cancellations: async (wanted) => {
      while (cancelled.length < wanted) await once(news, 'cancelled')
    },
    close: () => server.forceShutdown(),
  }
}

const echo: handleUnaryCall<Buffer, Buffer> = (call, callback) => {
  const trailers = new Metadata()
  trailers.set('x-trailer', 'after')
  trailers.set('x-trailer-bin', Buffer.from([0, 255, 10]))
  const [code] = call.metadata.get('x-fail')
  if (code !== undefined) {
    callback({ code: Number(code), details: 'failed: naïve, 100 %', metadata: trailers })
    return
  }
  const initial = new Metadata()
  for (const [name, value] of Object.entries(call.metadata.getMap()))
    if (name.startsWith('x-')) initial.set(name, value)
  call.sendMetadata(initial)
  callback(null, call.request, trailers)
}

const join: handleClientStreamingCall<Buffer, Buffer> = (call, callback) => {
  const parts: Buffer[] = []
  call.on('data', (part: Buffer) => parts.push(part)).on('end', () => callback(null, Buffer.concat(parts)))
}

const count: handleServerStreamingCall<Buffer, Buffer> = (call) => {
  const wanted = Number(call.request.toString())
  for (let i = 0; i < wanted; i += 1) call.write(Buffer.from(String(i)))
  call.end()
}

const chat: handleBidiStreamingCall<Buffer, Buffer> = (call) => {
  call
    .on('data', (said: Buffer) => call.write(Buffer.from(said.toString().toUpperCase())))
    .on('end', () => {
      call.write(Buffer.from('bye'))
      call.end()
    })
}

const leave: handleServerStreamingCall<Buffer, Buffer> = (call) => {
  call.write(Buffer.from('one'))
  call.emit('error', { code: status.CANCELLED, details: 'the server has had enough' })
}

const hang =
  (gaveUp: (call: string) => () => void): handleBidiStreamingCall<Buffer, Buffer> =>
  (call) => {
    call.on('cancelled', gaveUp('Hang')).on('error', () => undefined)
    call.sendMetadata(new Metadata())
    call.resume()
  }

const definitions = {
  Echo: method('Echo', false, false),
  Join: method('Join', true, false),
  Count: method('Count', false, true),
  Chat: method('Chat', true, true),
  Leave: method('Leave', false, true),
  Hang: method('Hang', true, true),
}

function method(name: string, requestStream: boolean, responseStream: boolean): MethodDefinition<Buffer, Buffer> {
  return {
    path: path(name),
    requestStream,
    responseStream,
    requestSerialize: asIs,
    requestDeserialize: asIs,
    responseSerialize: asIs,
    responseDeserialize: asIs,
  }
}

export type GrpcAnswer = {
  readonly message: Buffer | undefined
  readonly error: ServiceError | null
  /** What came before the message, and what came after it. */
  readonly initial: Metadata
  readonly trailing: Metadata
  readonly code: status
}

export type GrpcClient = {
  readonly echo: (message: Uint8Array, metadata?: Metadata, deadlineMs?: number) => Promise<GrpcAnswer>
  readonly join: (done: (error: ServiceError | null, message?: Buffer) => void) => ClientWritableStream<Buffer>
  readonly count: (wanted: number) => ClientReadableStream<Buffer>
  readonly leave: () => ClientReadableStream<Buffer>
  readonly chat: () => ClientDuplexStream<Buffer, Buffer>
  readonly hang: (deadline?: Date) => ClientDuplexStream<Buffer, Buffer>
  readonly close: () => void
}

/** A client that trusts `ca`. It goes through whatever proxy the environment names at this moment. */
export function grpcClient(target: string, ca: string): GrpcClient {
  const client = new Client(target, credentials.createSsl(Buffer.from(ca)), {
    'grpc.max_receive_message_length': -1,
    'grpc.use_local_subchannel_pool': 1,
  })
  return {
    echo: (message, metadata = new Metadata(), deadlineMs = 10_000) =>
      new Promise((resolve) => {
        let initial = new Metadata()
        let got: { error: ServiceError | null; message: Buffer | undefined } | undefined
        const options = { deadline: Date.now() + deadlineMs }
        client
          .makeUnaryRequest(path('Echo'), asIs, asIs, Buffer.from(message), metadata, options, (error, value) => {
            got = { error, message: value }
          })
          .on('metadata', (some: Metadata) => (initial = some))
          .on('status', ({ code, metadata: trailing }) =>
            setImmediate(() => resolve({ message: got?.message, error: got?.error ?? null, initial, trailing, code })),
          )
      }),
    join: (done) => client.makeClientStreamRequest(path('Join'), asIs, asIs, done),
    count: (wanted) => client.makeServerStreamRequest(path('Count'), asIs, asIs, Buffer.from(String(wanted))),
    leave: () => client.makeServerStreamRequest(path('Leave'), asIs, asIs, Buffer.alloc(0)),
    chat: () => client.makeBidiStreamRequest(path('Chat'), asIs, asIs),
    hang: (deadline) =>
      client.makeBidiStreamRequest(path('Hang'), asIs, asIs, deadline === undefined ? {} : { deadline }),
    close: () => client.close(),
  }
}

function path(name: string): string {
  return `/test.Probe/${name}`
}

function asIs(bytes: Buffer): Buffer {
  return bytes
}
