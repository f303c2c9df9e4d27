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
import type { Answer, RawHeaders } from '../../src/core/http.ts'
import { bytesBody, collect, madeBody } from '../../src/http/body.ts'
import type { Handlers, Incoming } from '../../src/http/incoming.ts'
import { grouped, http2Server } from '../../src/http/serve2.ts'

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
    streams: 10,
  })
  const server = createServer((socket: Socket) => served.serve(socket, 'context')).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  return {
    client,
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
  assert.deepEqual(one.refused, ['malformed_request'])
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

test('fields for HTTP/2 are lower case, duplicates a list', () => {
  assert.deepEqual(
    { ...grouped(['A', '1', 'b', '2', 'a', '3', 'A', '4', '__proto__', 'x']) },
    Object.fromEntries([
      ['a', ['1', '3', '4']],
      ['b', '2'],
      ['__proto__', 'x'],
    ]),
  )
})
