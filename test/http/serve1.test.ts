import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { test } from 'node:test'
import type { Answer, RawHeaders } from '../../src/core/http.ts'
import { bytesBody, collect, madeBody } from '../../src/http/body.ts'
import type { Handlers, Incoming } from '../../src/http/incoming.ts'
import { http1Server } from '../../src/http/serve1.ts'
import { rawClient, type RawClient } from '../support/raw-client.ts'

type Scene = {
  readonly client: RawClient
  readonly refused: [code: string, target: string | undefined][]
  readonly [Symbol.asyncDispose]: () => Promise<void>
}

/** A client on a connection that is served by these handlers. */
async function scene(handlers: Partial<Handlers<string>>): Promise<Scene> {
  const refused: Scene['refused'] = []
  const served = http1Server<string>(
    {
      exchange: async (incoming) => incoming.send(answer(200, 'ok')),
      upgrade: async () => undefined,
      connect: (_context, _request, socket) => void socket.destroy(),
      refused: (_context, fault, request) => void refused.push([fault.code, request?.target]),
      ...handlers,
    },
    { headerBytes: 16_384, headersTimeoutMs: 60_000, keepAliveTimeoutMs: 60_000, streams: 100 },
  )
  const server = createServer((socket: Socket) => served.serve(socket, 'context')).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = await rawClient((server.address() as AddressInfo).port)
  return {
    client,
    refused,
    [Symbol.asyncDispose]: async () => {
      client.close()
      served.close()
      server.close()
    },
  }
}

const answer = (
  status: number,
  text: string,
  headers: RawHeaders = ['Content-Length', String(text.length)],
): Answer => ({
  head: { status, reason: 'Fine', headers, version: '1.1' },
  body: bytesBody(Buffer.from(text)),
})

async function* pieces(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text)
}

/** The handlers' side of one exchange, which the test plays. */
function played(): { handlers: Partial<Handlers<string>>; next: () => Promise<Incoming<string>> } {
  const waiting: Incoming<string>[] = []
  let wake = (): void => undefined
  return {
    handlers: {
      exchange: (incoming) => {
        waiting.push(incoming)
        wake()
        return new Promise(() => undefined)
      },
    },
    async next() {
      while (waiting.length === 0) await new Promise<void>((resolve) => (wake = resolve))
      return waiting.shift() as Incoming<string>
    },
  }
}

test('a request arrives as it was written', async () => {
  const { handlers, next } = played()
  await using one = await scene(handlers)
  one.client.send('PATCH /a?b=%20 HTTP/1.1\r\nHOST: a.test\r\nX-A: 1\r\nx-a: \xe9\r\n\r\n')
  const { method, target, version, headers, body, context, scheme, authority, expectsContinue } = await next()
  assert.deepEqual(
    { method, target, version, headers, body, context, scheme, authority, expectsContinue },
    {
      method: 'PATCH',
      target: '/a?b=%20',
      version: '1.1',
      headers: ['HOST', 'a.test', 'X-A', '1', 'x-a', '\xe9'],
      body: null,
      context: 'context',
      scheme: undefined,
      authority: undefined,
      expectsContinue: false,
    },
  )
})

const bodies: [framing: string, sent: string, length: number | undefined, trailers: string[]][] = [
  ['Content-Length: 3', 'abc', 3, []],
  ['Transfer-Encoding: chunked', '2\r\nab\r\n1\r\nc\r\n0\r\nX-Sum: 1\r\n\r\n', undefined, ['X-Sum', '1']],
]
for (const [framing, sent, length, trailers] of bodies) {
  test(`a body framed by ${framing} arrives whole`, async () => {
    const { handlers, next } = played()
    await using one = await scene(handlers)
    one.client.send(`POST / HTTP/1.1\r\nHost: a\r\n${framing}\r\n\r\n${sent}`)
    const { body } = await next()
    assert.equal(body?.length, length)
    const collected = body === null ? undefined : await collect(body, 10)
    assert.equal(collected?.kind === 'whole' && collected.bytes.toString(), 'abc')
    assert.deepEqual(body?.trailers(), trailers)
  })
}

test('an answer leaves as it is given, without the fields of its hop and without others', async () => {
  await using one = await scene({
    exchange: (incoming) =>
      incoming.send(
        answer(299, 'abc', [
          'X-b',
          '1',
          'Set-Cookie',
          'a',
          'set-cookie',
          'b',
          'Content-Length',
          '3',
          'Keep-Alive',
          'timeout=1',
          'x-l',
          '\xe9',
        ]),
      ),
  })
  one.client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  const { head, body } = await one.client.answer()
  assert.match(
    head,
    /^HTTP\/1\.1 299 Fine\r\nX-b: 1\r\nSet-Cookie: a\r\nset-cookie: b\r\nContent-Length: 3\r\nx-l: \xe9\r\n/,
  )
  assert.doesNotMatch(head, /^(date|timeout=1)/im)
  assert.equal(body, 'abc')
})

test('a streamed answer leaves as it comes, with its trailers', async () => {
  const go = Promise.withResolvers<void>()
  async function* slow(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('ab')
    await go.promise
    yield Buffer.from('c')
  }
  await using one = await scene({
    exchange: (incoming) =>
      incoming.send({ head: answer(200, '', []).head, body: madeBody(slow(), undefined, () => ['X-Sum', '1']) }),
  })
  one.client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  await one.client.until('2\r\nab\r\n')
  go.resolve()
  await one.client.until('1\r\nc\r\n0\r\nX-Sum: 1\r\n\r\n')
})

test('an answer whose body breaks off does not look complete', async () => {
  async function* broken(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('ab')
    throw new Error('broken')
  }
  for (const length of [undefined, 5]) {
    const sent = Promise.withResolvers<unknown>()
    await using one = await scene({
      exchange: async (incoming) => {
        const headers = length === undefined ? [] : ['Content-Length', String(length)]
        await incoming
          .send({ head: answer(200, '', headers).head, body: madeBody(broken(), length) })
          .catch(sent.resolve)
      },
    })
    one.client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    const text = await one.client.rest()
    assert.match(String(await sent.promise), /broken/)
    assert.doesNotMatch(text, /\r\n0\r\n/)
  }
})

test('requests on one connection are served one after another, in order', async () => {
  await using one = await scene({ exchange: (incoming) => incoming.send(answer(200, incoming.target)) })
  one.client.send('GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n')
  one.client.send('POST /3 HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n')
  for (const target of ['/1', '/2', '/3']) assert.equal((await one.client.answer()).body, target)
})

test('answers without a body', async () => {
  for (const [method, status] of [
    ['HEAD', 200],
    ['GET', 204],
    ['GET', 304],
  ] as const) {
    await using one = await scene({
      exchange: (incoming) =>
        incoming.send({
          head: { ...answer(status, '', status === 200 ? ['Content-Length', '5'] : []).head },
          body: null,
        }),
    })
    one.client.send(`${method} / HTTP/1.1\r\nHost: a\r\n\r\n${method} / HTTP/1.1\r\nHost: a\r\n\r\n`)
    for (let i = 0; i < 2; i += 1) assert.equal((await one.client.answer({ bodiless: true })).status, status)
    assert.equal(one.client.pending(), '')
  }
})

test('informational answers go before the answer, and 100 only when it is asked for', async () => {
  const { handlers, next } = played()
  await using one = await scene(handlers)
  one.client.send('POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n')
  const incoming = await next()
  assert.equal(incoming.expectsContinue, true)
  assert.equal(one.client.pending(), '')
  incoming.inform(100, [])
  assert.equal(await one.client.until('\r\n\r\n'), 'HTTP/1.1 100 Continue\r\n\r\n')
  one.client.send('abc')
  const collected = incoming.body === null ? undefined : await collect(incoming.body, 10)
  assert.equal(collected?.kind, 'whole')
  incoming.inform(103, ['Link', '</a>'])
  await incoming.send(answer(200, 'ok'))
  assert.equal(await one.client.until('\r\n\r\n'), 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n')
  assert.equal((await one.client.answer()).body, 'ok')
})

test('a client that goes away aborts its exchange, before the answer and within it', async () => {
  const { handlers, next } = played()
  for (const streamed of [false, true]) {
    await using one = await scene(handlers)
    one.client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    const incoming = await next()
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (;;) yield Buffer.alloc(10_000)
    }
    const sent = streamed
      ? incoming.send({ head: answer(200, '', []).head, body: madeBody(endless(), undefined) })
      : undefined
    const gone = once(incoming.signal, 'abort')
    if (streamed) await one.client.until('\r\n\r\n')
    one.client.reset()
    await gone
    if (sent !== undefined) await assert.rejects(sent)
  }
})

test('an exchange that ends well is not aborted', async () => {
  const { handlers, next } = played()
  await using one = await scene(handlers)
  one.client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  const incoming = await next()
  await incoming.send(answer(200, 'ok'))
  await one.client.answer()
  one.client.close()
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(incoming.signal.aborted, false)
})

for (const streamed of [false, true]) {
  test(`a refusal that is ${streamed ? 'streamed' : 'at hand'} reaches a client that is still sending, and closes the connection`, async () => {
    const { handlers, next } = played()
    await using one = await scene(handlers)
    one.client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10000000\r\n\r\nabc')
    const incoming = await next()
    const { head, body } = answer(413, 'too big')
    await incoming.send({ head, body: streamed ? madeBody(pieces('too', ' big'), 7) : body })
    const got = await one.client.answer()
    assert.deepEqual([got.status, got.body, got.header('connection')], [413, 'too big', 'close'])
    await one.client.rest()
  })
}

test('an answer that ends before its request does closes the connection', async () => {
  const { handlers, next } = played()
  await using one = await scene(handlers)
  one.client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc')
  const incoming = await next()
  await incoming.body?.[Symbol.asyncIterator]().next()
  await incoming.send({ head: answer(200, '', []).head, body: madeBody(pieces('enough'), undefined) })
  assert.match(await one.client.rest(), /\r\n6\r\nenough\r\n0\r\n\r\n$/)
})

const faults: [what: string, text: string, code: string, status: number][] = [
  ['two Hosts', 'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n', 'malformed_request', 400],
  ['no Host', 'GET / HTTP/1.1\r\n\r\n', 'malformed_request', 400],
  [
    'both framings',
    'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    'malformed_request',
    400,
  ],
  [
    'two lengths',
    'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd',
    'malformed_request',
    400,
  ],
  ['a space before the colon', 'GET / HTTP/1.1\r\nHost : a\r\n\r\n', 'malformed_request', 400],
  ['a folded line', 'GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n 2\r\n\r\n', 'malformed_request', 400],
  ['a disguised length', 'GET / HTTP/1.1\r\nHost: a\r\nContent_Length: 3\r\n\r\n', 'malformed_request', 400],
  ['an unknown method', 'FROBNICATE / HTTP/1.1\r\nHost: a\r\n\r\n', 'unsupported_method', 501],
  ['another version', 'GET / HTTP/3.7\r\nHost: a\r\n\r\n', 'unsupported_version', 505],
  ['too many fields', `GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, 'headers_too_large', 431],
  ['no HTTP at all', '\x16\x03\x01\x02\x00\x01\x00', 'malformed_request', 400],
]
for (const [what, text, code, status] of faults) {
  test(`a request with ${what} is refused and closes the connection`, async () => {
    let exchanges = 0
    await using one = await scene({ exchange: async () => void (exchanges += 1) })
    one.client.send(text)
    const got = await one.client.answer()
    assert.deepEqual([got.status, got.header('sallyport-error'), got.header('connection')], [status, code, 'close'])
    await one.client.rest()
    assert.deepEqual([exchanges, one.refused.map(([refused]) => refused)], [0, [code]])
  })
}

test('CONNECT hands over the socket and what came with it', async () => {
  const given = Promise.withResolvers<unknown[]>()
  await using one = await scene({
    connect: (context, { target, headers, version }, socket, head) => {
      given.resolve([context, target, headers, version, head.toString()])
      socket.write('HTTP/1.1 200 Fine\r\n\r\n')
      socket.on('data', (chunk) => socket.write(chunk))
    },
  })
  one.client.send('CONNECT b.test:443 HTTP/1.1\r\nHost: b.test:443\r\nX-A: b\r\n\r\nfirst')
  assert.deepEqual(await given.promise, ['context', 'b.test:443', ['Host', 'b.test:443', 'X-A', 'b'], '1.1', 'first'])
  await one.client.until('\r\n\r\n')
  one.client.send('echo')
  await one.client.until('echo')
})

const upgrade =
  'GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Key: x\r\n\r\n'
test('an upgrade that is accepted gives the socket and what came with it', async () => {
  await using one = await scene({
    upgrade: async ({ incoming, accept }) => {
      const { socket, head } = accept(['Upgrade', 'websocket', 'X-Target', incoming.target])
      socket.write(`got ${head.toString()}`)
    },
  })
  one.client.send(`${upgrade}frame`)
  assert.equal(
    await one.client.until('\r\n\r\n'),
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nX-Target: /ws\r\n\r\n',
  )
  await one.client.until('got frame')
})

test('an upgrade that is not accepted is answered, and the connection closes', async () => {
  await using one = await scene({ upgrade: ({ incoming }) => incoming.send(answer(403, 'no')) })
  one.client.send(upgrade)
  const got = await one.client.answer()
  assert.deepEqual([got.status, got.body], [403, 'no'])
  await one.client.rest()
})

test('an upgrade to something else is an ordinary request', async () => {
  const { handlers, next } = played()
  await using one = await scene(handlers)
  one.client.send('GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n')
  assert.equal((await next()).method, 'GET')
})

test('a request arrives the same at every cut', async () => {
  const text = 'POST /x HTTP/1.1\r\nHost: a\r\nX-A: b\r\nContent-Length: 3\r\n\r\nabc'
  await using one = await scene({
    exchange: async (incoming) => {
      const collected = incoming.body === null ? undefined : await collect(incoming.body, 10)
      await incoming.send(
        answer(200, `${incoming.headers.join()} ${collected?.kind === 'whole' ? collected.bytes.toString() : ''}`),
      )
    },
  })
  for (let cut = 1; cut < text.length; cut += 1) {
    one.client.send(text.slice(0, cut))
    await new Promise((resolve) => setImmediate(resolve))
    one.client.send(text.slice(cut))
    assert.equal((await one.client.answer()).body, 'Host,a,X-A,b,Content-Length,3 abc')
  }
})
