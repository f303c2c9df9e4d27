import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type IncomingHttpHeaders } from 'node:http2'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { test } from 'node:test'
import type { Handlers } from '../../src/http/incoming.ts'
import { bytesBody } from '../../src/http/body.ts'
import { http2Server } from '../../src/http/serve2.ts'

async function scene(upgrade: Handlers<string>['upgrade']) {
  const refused: string[] = []
  const handlers: Handlers<string> = {
    exchange: async () => assert.fail('it is no exchange'),
    upgrade,
    connect: () => undefined,
    refused: (_context, fault) => void refused.push(fault.code),
  }
  const limits = { headerBytes: 16_384, headersTimeoutMs: 60_000, keepAliveTimeoutMs: 60_000, streams: 10 }
  const served = http2Server(handlers, limits as Parameters<typeof http2Server>[1])
  const server = createServer((socket: Socket) => served.serve(socket, 'context')).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  await once(client, 'remoteSettings')
  return {
    client,
    refused,
    ask: (protocol: string, more: Record<string, string> = {}) =>
      client.request(
        {
          ':method': 'CONNECT',
          ':protocol': protocol,
          ':scheme': 'http',
          ':authority': 'a.test',
          ':path': '/x?y',
          ...more,
        },
        { endStream: false },
      ),
    [Symbol.asyncDispose]: async () => {
      client.destroy()
      server.close()
    },
  }
}

test('extended CONNECT is offered, and a WebSocket by it is an upgrade', async () => {
  let seen: unknown
  await using one = await scene(async ({ incoming, accept }) => {
    const { method, target, authority, scheme, version, body, headers } = incoming
    seen = { method, target, authority, scheme, version, body, headers }
    const { socket } = accept(['Sec-WebSocket-Protocol', 'chat'])
    socket.pipe(socket)
  })
  assert.equal(one.client.remoteSettings.enableConnectProtocol, true)
  const stream = one.ask('websocket', { 'sec-websocket-version': '13' })
  const [head] = (await once(stream, 'response')) as [IncomingHttpHeaders]
  assert.deepEqual([head[':status'], head['sec-websocket-protocol'], head['date']], [200, 'chat', undefined])
  stream.write('hello')
  assert.equal(String((await once(stream, 'data'))[0]), 'hello')
  stream.end()
  await once(stream, 'close')
  assert.deepEqual(seen, {
    method: 'GET',
    target: '/x?y',
    authority: 'a.test',
    scheme: 'http',
    version: '2',
    body: null,
    headers: ['sec-websocket-version', '13'],
  })
})

test('an upgrade that is refused is answered, and its stream is over', async () => {
  await using one = await scene(({ incoming }) =>
    incoming.send({
      head: { status: 403, reason: '', headers: ['x-why', 'no'], version: '1.1' },
      body: bytesBody(Buffer.from('nope')),
    }),
  )
  const stream = one.ask('websocket')
  const [head] = (await once(stream, 'response')) as [IncomingHttpHeaders]
  assert.deepEqual([head[':status'], head['x-why']], [403, 'no'])
  assert.equal(Buffer.concat(await Array.fromAsync(stream as AsyncIterable<Buffer>)).toString(), 'nope')
  if (!stream.closed) await once(stream, 'close')
})

test('other protocols are 501', async () => {
  await using one = await scene(async () => assert.fail('it is no WebSocket'))
  const stream = one.ask('connect-udp')
  const [head] = (await once(stream, 'response')) as [IncomingHttpHeaders]
  assert.equal(head[':status'], 501)
  assert.deepEqual(one.refused, ['unsupported_method'])
})
