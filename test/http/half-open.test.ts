import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer as createHttp, type ServerResponse } from 'node:http'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { test } from 'node:test'
import { halfOpen } from '../../src/http/half-open.ts'
import { over, type RawClient } from '../support/raw-client.ts'

type Scene = {
  readonly client: RawClient
  readonly answer: Promise<ServerResponse>
  readonly served: Promise<Socket>
  readonly [Symbol.asyncDispose]: () => Promise<void>
}

async function scene(): Promise<Scene> {
  const owed = Promise.withResolvers<ServerResponse>()
  const served = Promise.withResolvers<Socket>()
  let answering: ServerResponse | undefined
  const http = createHttp((_request, response) => owed.resolve((answering = response)))
  Object.assign(http, { httpAllowHalfOpen: true })
  const server = createServer((socket) => {
    halfOpen(socket, () => answering)
    served.resolve(socket)
    http.emit('connection', socket)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  await once(socket, 'connect')
  return {
    client: over(socket),
    answer: owed.promise,
    served: served.promise,
    [Symbol.asyncDispose]: async () => {
      socket.destroy()
      server.close()
    },
  }
}

test('a client that has closed its side gets its answer, before which it may be told to continue', async () => {
  await using one = await scene()
  one.client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  one.client.end()
  const answer = await one.answer
  assert.match(await one.client.until('\r\n\r\n'), /^HTTP\/1\.1 100 Continue\r\n/)
  answer.end('late')
  assert.match(await one.client.rest(), /HTTP\/1\.1 200 OK\r\n[^]*late$/)
})

test('a client of HTTP/1.0 that has closed its side gets its answer and nothing before', async () => {
  await using one = await scene()
  one.client.send('GET / HTTP/1.0\r\n\r\n')
  one.client.end()
  const socket = await one.served
  const answer = await one.answer
  if (!socket.readableEnded) await once(socket, 'end')
  answer.end('late')
  assert.match(await one.client.rest(), /^HTTP\/1\.1 200 OK\r\n[^]*late$/)
})

test('a client that is gone is noticed before its answer begins', async () => {
  await using one = await scene()
  one.client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  const answer = await one.answer
  const gone = once(answer, 'close')
  one.client.close()
  await gone
  assert.equal(answer.writableFinished, false)
})

test('a client that is gone is noticed within an answer that says nothing', async () => {
  await using one = await scene()
  one.client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  const answer = await one.answer
  answer.write('begun')
  await one.client.until('begun')
  const gone = once(answer, 'close')
  one.client.close()
  await gone
  assert.equal(answer.writableFinished, false)
})
