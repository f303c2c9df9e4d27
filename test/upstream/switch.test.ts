import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Request } from '../../src/core/http.ts'
import { switchHttp1 } from '../../src/upstream/switch.ts'
import { over } from '../support/raw-client.ts'
import { loopbackConnector, requestTo, scriptedOrigin, textOf } from '../support/scripted-origin.ts'

const fields = [
  'Host',
  'a.test',
  'Connection',
  'Upgrade',
  'Upgrade',
  'websocket',
  'Sec-WebSocket-Key',
  'dGhlIHNhbXBsZSBub25jZQ==',
]
const times = { headersTimeoutMs: 10_000, idleTimeoutMs: 10_000 }
const ask = (request: Request, signal: AbortSignal) =>
  switchHttp1(loopbackConnector(), request.head.target, request, signal, times)
const never = (): AbortSignal => new AbortController().signal

test('an upgrade gives the socket, with what came after the head', async () => {
  const seen = Promise.withResolvers<string>()
  await using origin = await scriptedOrigin(async (connection) => {
    seen.resolve(await connection.until('\r\n\r\n'))
    connection.send('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nX-A: b\r\n\r\nfirst')
    await connection.until('ping')
    connection.send('pong')
  })
  const upgraded = await ask(requestTo(origin.port, { path: '/live', headers: fields }), never())
  assert.ok(upgraded.kind === 'switched')
  assert.deepEqual(upgraded.headers, ['Upgrade', 'websocket', 'X-A', 'b'])
  assert.equal(upgraded.head.toString(), 'first')
  assert.equal(
    await seen.promise,
    `GET /live HTTP/1.1\r\n${fields.map((text, i) => (i % 2 === 0 ? `${text}: ` : `${text}\r\n`)).join('')}\r\n`,
  )
  upgraded.socket.write('ping')
  const chunks: Buffer[] = []
  for await (const chunk of upgraded.socket) {
    chunks.push(chunk as Buffer)
    if (Buffer.concat(chunks).toString() === 'pong') break
  }
  assert.equal(Buffer.concat(chunks).toString(), 'pong')
})

test('what the origin says before anybody reads is kept', async () => {
  const opened = Promise.withResolvers<void>()
  await using origin = await scriptedOrigin(async (connection) => {
    await connection.until('\r\n\r\n')
    connection.send('HTTP/1.1 101 Switching Protocols\r\n\r\n')
    await opened.promise
    connection.send('early')
  })
  const upgraded = await ask(requestTo(origin.port, { path: '/live', headers: fields }), never())
  assert.ok(upgraded.kind === 'switched')
  opened.resolve()
  while (upgraded.socket.readableLength < 5) await new Promise((resolve) => setImmediate(resolve))
  const early = over(upgraded.socket as never).until('early')
  upgraded.socket.resume()
  assert.equal(await early, 'early')
  upgraded.socket.destroy()
})

test('an origin that does not upgrade is heard out', async () => {
  await using origin = await scriptedOrigin(async (connection) => {
    await connection.until('\r\n\r\n')
    connection.send('HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\n')
    setImmediate(() => connection.send('no'))
  })
  const upgraded = await ask(requestTo(origin.port, { path: '/live', headers: fields }), never())
  assert.ok(upgraded.kind === 'answered')
  assert.equal(upgraded.answer.head.status, 401)
  assert.equal(await textOf(upgraded.answer.body), 'no')
})

test('an origin that leaves, and a client that does, are told apart', async () => {
  await using leaving = await scriptedOrigin((connection) => connection.end())
  await assert.rejects(ask(requestTo(leaving.port, { path: '/live', headers: fields }), never()), {
    code: 'upstream_closed',
  })
  const gone = new AbortController()
  await using silent = await scriptedOrigin(() => gone.abort())
  await assert.rejects(ask(requestTo(silent.port, { path: '/live', headers: fields }), gone.signal), {
    code: 'client_aborted',
  })
})
