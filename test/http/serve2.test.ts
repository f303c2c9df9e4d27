import assert from 'node:assert/strict'
import { once } from 'node:events'
import {
  connect,
  constants,
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
} from 'node:http2'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { test } from 'node:test'
import type { Answer, Body, RawHeaders } from '../../src/core/http.ts'
import { bytesBody, collect, madeBody } from '../../src/http/body.ts'
import type { Handlers, Incoming } from '../../src/http/incoming.ts'
import { http2Server } from '../../src/http/serve2.ts'
import {
  codeOf,
  data,
  framesUntil,
  headers,
  preface,
  reset,
  settings,
  types,
  type Frame,
} from '../support/http2-frames.ts'
import { rawClient, type RawClient } from '../support/raw-client.ts'

type Got = {
  readonly headers: IncomingHttpHeaders
  readonly body: string
  readonly trailers: IncomingHttpHeaders | undefined
  readonly informed: IncomingHttpHeaders[]
}

async function scene(exchange: (incoming: Incoming<string>) => Promise<void>, keepAliveTimeoutMs = 60_000) {
  const refused: string[] = []
  const handlers: Handlers<string> = {
    exchange,
    upgrade: async () => undefined,
    connect: () => undefined,
    refused: (_context, fault) => void refused.push(fault.code),
  }
  const served = http2Server(handlers, {
    headerBytes: 16_384,
    headersTimeoutMs: 60_000,
    keepAliveTimeoutMs,
    bodyStallMs: 200,
    streams: 10,
  })
  const server = createServer((socket: Socket) => served.serve(socket, 'context')).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const client = connect(`http://127.0.0.1:${port}`)
  return {
    client,
    port,
    served,
    refused,
    [Symbol.asyncDispose]: async () => {
      client.destroy()
      server.close()
    },
  }
}

/** The whole answer to a request. */
async function got(client: ClientHttp2Session, headers: OutgoingHttpHeaders = {}, body?: string): Promise<Got> {
  const stream = client.request({ ':path': '/', ...headers }, { endStream: body === undefined })
  if (body !== undefined) stream.end(body)
  return whole(stream)
}

async function whole(stream: ClientHttp2Stream): Promise<Got> {
  const informed: IncomingHttpHeaders[] = []
  let trailers: IncomingHttpHeaders | undefined
  stream.on('headers', (headers) => informed.push(headers)).on('trailers', (fields) => (trailers = fields))
  const [headers] = (await once(stream, 'response')) as [IncomingHttpHeaders]
  const chunks = await Array.fromAsync(stream as AsyncIterable<Buffer>)
  return { headers, body: Buffer.concat(chunks).toString(), trailers, informed }
}

/** Waits for the end of a stream, however it ends. */
function closed(stream: ClientHttp2Stream): Promise<void> {
  return new Promise((resolve) => stream.on('error', () => undefined).once('close', resolve))
}

const answer = (text: string, headers: RawHeaders = []): Answer => ({
  head: { status: 200, reason: 'Fine', headers, version: '1.1' },
  body: bytesBody(Buffer.from(text)),
})

test('a request arrives with its fields and its pseudo-fields apart', async () => {
  const seen = Promise.withResolvers<Incoming<string>>()
  await using one = await scene(async (incoming) => {
    seen.resolve(incoming)
    await incoming.send(answer('ok'))
  })
  await got(one.client, { ':path': '/a?b', ':authority': 'a.test', 'x-a': ['1', '2'] })
  const { method, target, scheme, authority, version, headers, body, context } = await seen.promise
  assert.deepEqual(
    [method, target, scheme, authority, version, body, context],
    ['GET', '/a?b', 'http', 'a.test', '2', null, 'context'],
  )
  assert.deepEqual(headers, ['x-a', '1', 'x-a', '2'])
})

test('a body arrives whole', async () => {
  await using one = await scene(async (incoming) => {
    const collected = incoming.body === null ? undefined : await collect(incoming.body, 10)
    await incoming.send(answer(collected?.kind === 'whole' ? collected.bytes.toString() : 'none'))
  })
  assert.equal((await got(one.client, { ':method': 'POST' }, 'abc')).body, 'abc')
})

test('an answer leaves with its fields, without those of a hop and without others', async () => {
  await using one = await scene((incoming) =>
    incoming.send(
      answer('abc', ['X-B', '1', 'Set-Cookie', 'a', 'set-cookie', 'b', 'Connection', 'x-hop', 'X-Hop', '1']),
    ),
  )
  const { headers, body } = await got(one.client)
  assert.deepEqual(Object.fromEntries(Object.entries(headers)), {
    ':status': 200,
    'x-b': '1',
    'set-cookie': ['a', 'b'],
  })
  assert.equal(body, 'abc')
})

test('a streamed answer leaves with its trailers, and one without any ends', async () => {
  async function* pieces(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('ab')
    yield Buffer.from('c')
  }
  for (const trailers of [['grpc-status', '0'], []]) {
    await using one = await scene((incoming) =>
      incoming.send({ head: answer('').head, body: madeBody(pieces(), undefined, () => trailers) }),
    )
    const all = await got(one.client)
    assert.equal(all.body, 'abc')
    assert.equal(all.trailers?.['grpc-status'], trailers[1])
  }
})

test('an answer without a body ends with its head', async () => {
  await using one = await scene((incoming) => incoming.send({ head: { ...answer('').head, status: 204 }, body: null }))
  const { headers, body } = await got(one.client)
  assert.deepEqual([headers[':status'], body], [204, ''])
})

test('informational answers go before the answer', async () => {
  await using one = await scene(async (incoming) => {
    incoming.inform(103, ['Link', '</a>'])
    await incoming.send(answer('ok'))
    incoming.inform(103, ['Link', 'too late'])
  })
  const { informed, body } = await got(one.client)
  assert.deepEqual([informed.map((each) => [each[':status'], each.link]), body], [[[103, '</a>']], 'ok'])
})

test('exchanges on one connection do not wait for each other', async () => {
  const first = Promise.withResolvers<void>()
  await using one = await scene(async (incoming) => {
    if (incoming.target === '/1') await first.promise
    await incoming.send(answer(incoming.target))
  })
  const slow = got(one.client, { ':path': '/1' })
  assert.equal((await got(one.client, { ':path': '/2' })).body, '/2')
  first.resolve()
  assert.equal((await slow).body, '/1')
})

test('a client that resets its stream aborts that exchange alone', async () => {
  const seen = Promise.withResolvers<Incoming<string>>()
  await using one = await scene(async (incoming) => {
    if (incoming.target !== '/1') return incoming.send(answer('ok'))
    seen.resolve(incoming)
    return new Promise(() => undefined)
  })
  const stream = one.client.request({ ':path': '/1' }).on('error', () => undefined)
  const { signal } = await seen.promise
  stream.close(constants.NGHTTP2_CANCEL)
  if (!signal.aborted) await once(signal, 'abort')
  assert.equal((await got(one.client)).body, 'ok')
})

test('an exchange that ends well is not aborted', async () => {
  const seen = Promise.withResolvers<Incoming<string>>()
  await using one = await scene(async (incoming) => {
    await incoming.send(answer('ok'))
    seen.resolve(incoming)
  })
  await got(one.client)
  const { signal } = await seen.promise
  one.client.close()
  await once(one.client, 'close')
  assert.equal(signal.aborted, false)
})

test('an answer that breaks off resets its stream, and the reason reaches the sender', async () => {
  async function* broken(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('ab')
    throw new Error('broken')
  }
  const sent = Promise.withResolvers<unknown>()
  await using one = await scene((incoming) =>
    incoming.send({ head: answer('').head, body: madeBody(broken(), undefined) }).catch(sent.resolve),
  )
  const stream = one.client.request({ ':path': '/' })
  stream.on('error', () => undefined).resume()
  await closed(stream)
  assert.equal(stream.rstCode, constants.NGHTTP2_INTERNAL_ERROR)
  assert.match(String(await sent.promise), /broken/)
})

test('an exchange that throws resets its stream', async () => {
  await using one = await scene(async () => {
    throw new Error('fault')
  })
  const stream = one.client.request({ ':path': '/' }).on('error', () => undefined)
  await closed(stream)
  assert.equal(stream.rstCode, constants.NGHTTP2_INTERNAL_ERROR)
})

test('CONNECT is not for streams, and an authority has one reading', async () => {
  await using one = await scene(async () => assert.fail('no exchange'))
  const connected = one.client.request({ ':method': 'CONNECT', ':authority': 'a.test:443' })
  const [headers] = (await once(connected, 'response')) as [IncomingHttpHeaders]
  assert.equal(headers[':status'], 405)
  const stream = one.client
    .request({ ':path': '/', ':authority': 'a.test', host: 'b.test' })
    .on('error', () => undefined)
  await closed(stream)
  assert.deepEqual(one.refused, ['connect_in_tunnel', 'malformed_request'])
})

test('an idle connection is closed after a while, and any at once when the server stops', async () => {
  await using idle = await scene((incoming) => incoming.send(answer('ok')), 20)
  await got(idle.client)
  await once(idle.client, 'close')
  await using stopped = await scene((incoming) => incoming.send(answer('ok')))
  await got(stopped.client)
  stopped.served.close()
  await once(stopped.client, 'close')
})

/** A connection on which frames are sent by hand, to a server that collects bodies and answers. */
async function raw({ port }: { readonly port: number }): Promise<RawClient> {
  const client = await rawClient(port)
  client.send(Buffer.concat([preface, settings()]))
  return client
}

const line = [
  [':method', 'POST'],
  [':scheme', 'http'],
  [':authority', 'a.test'],
  [':path', '/'],
] as const

test('a body that is reset is no whole one, whatever the code', async () => {
  for (const code of [0, 8]) {
    const seen = Promise.withResolvers<[string, boolean]>()
    await using one = await scene(async (incoming) => {
      const collected = await collect(incoming.body as Body, 100).then(
        () => 'whole',
        () => 'broken off',
      )
      seen.resolve([collected, incoming.signal.aborted])
    })
    const client = await raw(one)
    client.send(Buffer.concat([headers(1, line), data(1, 'abc'), reset(1, code)]))
    assert.deepEqual(await seen.promise, ['broken off', true])
    client.close()
  }
})

test('an answer before the end of its request leaves whole, and then the rest is refused with NO_ERROR', async () => {
  await using one = await scene((incoming) => incoming.send(answer('too large')))
  const client = await raw(one)
  client.send(Buffer.concat([headers(1, line), data(1, 'abc')]))
  const frames = await framesUntil(client, ({ type }) => type === types.reset)
  assert.deepEqual(
    frames.filter((frame) => frame?.id === 1).map((frame) => [frame?.type, frame?.flags]),
    [
      [types.headers, 4],
      [types.data, 1],
      [types.reset, 0],
    ],
  )
  assert.equal(codeOf(frames.at(-1) as Frame), 0)
  client.close()
})

test('a request whose body nobody read does not hold its connection', async () => {
  await using one = await scene((incoming) => incoming.send(answer('ok')), 50)
  assert.equal((await got(one.client, { ':method': 'POST' }, 'x'.repeat(100_000))).body, 'ok')
  await once(one.client, 'close')
})

test('a body that stops coming while it is collected is given up', async () => {
  const failed = Promise.withResolvers<unknown>()
  await using one = await scene(
    async (incoming) => void (await collect(incoming.body as Body, 100).catch(failed.resolve)),
  )
  const client = await raw(one)
  client.send(Buffer.concat([headers(1, line), data(1, 'abc')]))
  assert.equal(((await failed.promise) as { code?: string }).code, 'request_timeout')
  client.close()
})

test('fields that come twice go on twice', async () => {
  await using one = await scene((incoming) => incoming.send(answer('ok', ['date', 'a', 'date', 'b'])))
  const client = await raw(one)
  client.send(headers(1, line, { end: true }))
  const frames = await framesUntil(client, ({ type }) => type === types.data)
  assert.ok(frames.some((frame) => frame?.type === types.headers && frame.id === 1))
  client.close()
})

test('a body that is collected and stops coming is 408 on its stream, and the others go on', async () => {
  await using one = await scene(async (incoming) => {
    const { body } = incoming
    const status =
      body === null
        ? 200
        : await collect(body, 1_000).then(
            () => 200,
            (error: { status: number }) => error.status,
          )
    await incoming.send({
      head: { status, reason: '', headers: ['content-length', '2'], version: '1.1' },
      body: bytesBody(Buffer.from('ok')),
    })
  })
  const stalled = one.client.request({ ':path': '/', ':method': 'POST' })
  stalled.write('half')
  const slow = whole(stalled)
  assert.equal((await got(one.client)).headers[':status'], 200)
  assert.equal((await slow).headers[':status'], 408)
  assert.equal((await got(one.client, { ':method': 'POST' }, 'whole')).headers[':status'], 200)
})
