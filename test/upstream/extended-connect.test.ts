import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type ServerHttp2Stream } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { extendedConnect } from '../../src/upstream/extended-connect.ts'
import { resets } from '../../src/upstream/http2-resets.ts'
import { requestTo } from '../support/scripted-origin.ts'

const times = { headersTimeoutMs: 10_000, idleTimeoutMs: 10_000 }

async function scene(answer: (stream: ServerHttp2Stream) => void) {
  const server = createServer({ settings: { enableConnectProtocol: true } })
  server
    .on('stream', (stream: ServerHttp2Stream) => {
      stream.on('error', () => undefined)
      answer(stream)
    })
    .listen(0, '127.0.0.1')
  await once(server, 'listening')
  const session = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  await once(session, 'remoteSettings')
  const idle = Promise.withResolvers<void>()
  const on = {
    session,
    open: 1,
    lastStreamId: Number.POSITIVE_INFINITY,
    resets: resets(() => 0),
    idle: () => idle.resolve(),
    worn: () => undefined,
  }
  return {
    left: () => on.resets.left(),
    ask: (headers: string[], more = times) =>
      extendedConnect(on, requestTo(1, { path: '/x' }), headers, new AbortController().signal, more),
    idle: idle.promise,
    [Symbol.asyncDispose]: async () => {
      session.destroy()
      server.close()
    },
  }
}

test('the stream is the connection, and its session is free again when it has closed', async () => {
  await using one = await scene((stream) => {
    stream.respond({ ':status': 200, 'x-a': 'b' })
    stream.pipe(stream)
  })
  const connected = await one.ask(['host', 'a.test'])
  assert.ok(connected.kind === 'connected')
  assert.deepEqual(connected.headers.slice(0, 2), ['x-a', 'b'])
  connected.socket.write('hello')
  assert.equal(String((await once(connected.socket, 'data'))[0]), 'hello')
  connected.socket.end()
  await one.idle
  assert.equal(one.left(), 100)
})

test('a client that leaves it counts as a reset', async () => {
  await using one = await scene((stream) => stream.respond({ ':status': 200 }))
  const connected = await one.ask([])
  assert.ok(connected.kind === 'connected')
  connected.socket.destroy()
  await one.idle
  assert.equal(one.left(), 99)
})

test('a refusal without a body is one', async () => {
  await using one = await scene((stream) => stream.respond({ ':status': 401 }, { endStream: true }))
  const connected = await one.ask([])
  assert.ok(connected.kind === 'answered')
  assert.deepEqual([connected.answer.head.status, connected.answer.body], [401, null])
  await one.idle
})

test('an origin that resets the stream, or never answers, is told by its code', async () => {
  await using reset = await scene((stream) => stream.close(2))
  await assert.rejects(reset.ask([]), { code: 'upstream_closed' })
  await reset.idle
  await using silent = await scene(() => undefined)
  await assert.rejects(silent.ask([], { headersTimeoutMs: 20, idleTimeoutMs: 20 }), { code: 'upstream_timeout' })
  await silent.idle
})
