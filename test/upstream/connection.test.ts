import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect as connectTcp, type Socket } from 'node:net'
import { test } from 'node:test'
import type { Answer, RawHeaders, Request } from '../../src/core/http.ts'
import { bytesAtHand, bytesBody, collect, madeBody } from '../../src/http/body.ts'
import { Connection } from '../../src/upstream/connection.ts'
import { requestText } from '../../src/upstream/request-head.ts'
import type { RawClient } from '../support/raw-client.ts'
import { requestTo, scriptedOrigin, textOf } from '../support/scripted-origin.ts'

type Scene = {
  readonly connection: Connection
  readonly socket: Socket
  readonly informed: [number, RawHeaders][]
  /** Settles when the connection is idle again or gone. */
  readonly fate: Promise<'idle' | 'gone'>
  readonly gone: AbortController
  readonly ask: (asked?: Parameters<typeof requestTo>[1]) => Promise<Answer>
  readonly [Symbol.asyncDispose]: () => Promise<void>
}

/** One connection to an origin that follows a script. */
async function scene(script: (connection: RawClient) => unknown): Promise<Scene> {
  const origin = await scriptedOrigin(script, { allowHalfOpen: true })
  const socket = connectTcp({ port: origin.port, host: '127.0.0.1', noDelay: true })
  await once(socket, 'connect')
  const fate = Promise.withResolvers<'idle' | 'gone'>()
  const terms = { times: { headersTimeoutMs: 60_000, idleTimeoutMs: 60_000 }, clock: () => performance.now() }
  const connection = new Connection('', socket, {
    ...terms,
    idle: () => fate.resolve('idle'),
    gone: () => fate.resolve('gone'),
  })
  const informed: Scene['informed'] = []
  const gone = new AbortController()
  return {
    connection,
    socket,
    informed,
    fate: fate.promise,
    gone,
    ask(asked) {
      const request: Request = requestTo(origin.port, asked)
      const sending = {
        signal: gone.signal,
        inform: (status: number, headers: RawHeaders) => void informed.push([status, headers]),
      }
      return connection.send(request, requestText(request), sending)
    },
    [Symbol.asyncDispose]: async () => {
      connection.close()
      origin.close()
    },
  }
}

async function* pieces(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text)
}

const never = (): Promise<never> => new Promise(() => undefined)

test('a request goes out exactly as it was given', async () => {
  const seen = Promise.withResolvers<string>()
  await using one = await scene(async (origin) => {
    seen.resolve(await origin.until('{"a":1}'))
    origin.send('HTTP/1.1 204 No Content\r\n\r\n')
  })
  const headers = [
    'user-agent',
    'x/1',
    'HOST',
    'Api.Test',
    'X-A',
    '1',
    'x-a',
    '2',
    'Content-length',
    '7',
    'Trailer',
    'é',
  ] as const
  await one.ask({ method: 'POST', path: '/v1?a=%20', headers, body: '{"a":1}' })
  assert.equal(
    await seen.promise,
    'POST /v1?a=%20 HTTP/1.1\r\nuser-agent: x/1\r\nHOST: Api.Test\r\nX-A: 1\r\nx-a: 2\r\nContent-length: 7\r\nTrailer: é\r\n\r\n{"a":1}',
  )
  assert.equal(await one.fate, 'idle')
})

test('an answer that comes whole is at hand', async () => {
  await using one = await scene((origin) =>
    origin.send('HTTP/1.1 200 Fine\r\nX-A: 1\r\nContent-Length: 5\r\n\r\nhello'),
  )
  const { head, body } = await one.ask()
  assert.deepEqual(head, { status: 200, reason: 'Fine', headers: ['X-A', '1', 'Content-Length', '5'], version: '1.1' })
  assert.ok(body !== null && Buffer.from(bytesAtHand(body) ?? []).toString() === 'hello')
  assert.equal(await one.fate, 'idle')
})

test('an answer without a body has none, one with an empty body has an empty one', async () => {
  for (const [method, answer, has] of [
    ['HEAD', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n', false],
    ['GET', 'HTTP/1.1 304 X\r\n\r\n', false],
    ['GET', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n', true],
  ] as const) {
    await using one = await scene((origin) => origin.send(answer))
    const { body } = await one.ask({ method })
    assert.equal(body !== null, has)
    assert.equal(body?.length ?? 0, 0)
    assert.equal(await one.fate, 'idle')
  }
})

const streams: [how: string, parts: string[], length: number | undefined, trailers: string[], fate: string][] = [
  ['a length', ['HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n', 'he', 'llo'], 5, [], 'idle'],
  [
    'chunks',
    ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', '5\r\nhe', 'llo\r\n', '0\r\nX-Sum: 9\r\n\r\n'],
    undefined,
    ['X-Sum', '9'],
    'idle',
  ],
]
for (const [how, parts, length, trailers, fate] of streams) {
  test(`an answer framed by ${how} comes as it comes`, async () => {
    const step = Array.from(parts, () => Promise.withResolvers<void>())
    await using one = await scene(async (origin) => {
      for (const [i, part] of parts.entries()) {
        origin.send(part)
        await step[i]?.promise
      }
    })
    const { body } = await one.ask()
    assert.ok(body !== null)
    assert.equal(body.length, length)
    for (const each of step) each.resolve()
    assert.equal(await textOf(body), 'hello')
    assert.deepEqual(body.trailers(), trailers)
    assert.equal(await one.fate, fate)
  })
}

test('an answer may end with its connection', async () => {
  await using one = await scene((origin) => {
    origin.send('HTTP/1.1 200 OK\r\n\r\nhel')
    origin.send('lo')
    origin.end()
  })
  assert.equal(await textOf((await one.ask()).body), 'hello')
  assert.equal(await one.fate, 'gone')
})

test('an answer is collected, with or without its first bytes at hand, or found too large', async () => {
  for (const [limit, kind] of [
    [100, 'whole'],
    [3, 'over'],
  ] as const) {
    await using one = await scene((origin) => {
      origin.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n')
      setImmediate(() => origin.send('3\r\nllo\r\n0\r\n\r\n'))
    })
    const { body } = await one.ask()
    assert.ok(body !== null)
    const collected = await collect(body, limit)
    assert.equal(collected.kind, kind)
    assert.equal(collected.kind === 'whole' ? collected.bytes.toString() : await textOf(collected.rest), 'hello')
  }
})

for (const [how, end] of [
  ['ends', (one: RawClient) => one.end()],
  ['breaks', (one: RawClient) => one.reset()],
  ['goes on with something else', (one: RawClient) => one.send('zz')],
] as const) {
  test(`a body whose connection ${how} rejects, after what has come`, async () => {
    const read = Promise.withResolvers<void>()
    await using one = await scene(async (origin) => {
      origin.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n')
      await read.promise
      end(origin)
    })
    const { body } = await one.ask()
    const iterator = body?.[Symbol.asyncIterator]()
    assert.equal(Buffer.from((await iterator?.next())?.value ?? []).toString(), 'hello')
    read.resolve()
    const code = how === 'goes on with something else' ? 'upstream_invalid' : 'upstream_closed'
    await assert.rejects(async () => iterator?.next(), { code })
    assert.equal(await one.fate, 'gone')
  })
}

test('an answer that breaks HTTP is refused, and so is 101 that nobody asked for', async () => {
  for (const answer of [
    'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n',
    'HTTP/1.1 101 X\r\n\r\n',
  ]) {
    await using one = await scene((origin) => origin.send(answer))
    await assert.rejects(one.ask(), { code: 'upstream_invalid' })
    assert.equal(await one.fate, 'gone')
  }
})

test('informational answers are told in order', async () => {
  await using one = await scene((origin) =>
    origin.send(
      'HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n',
    ),
  )
  assert.equal((await one.ask()).head.status, 204)
  assert.deepEqual(one.informed, [
    [102, []],
    [103, ['Link', '</a>']],
  ])
})

test('a body of unknown length goes in chunks, with its trailers', async () => {
  const seen = Promise.withResolvers<string>()
  await using one = await scene(async (origin) => {
    seen.resolve(await origin.until(/0\r\n[^]*\r\n\r\n$/))
    origin.send('HTTP/1.1 204 No Content\r\n\r\n')
  })
  await one.ask({
    method: 'POST',
    headers: ['Host', 'a', 'Trailer', 'X-Sum'],
    body: madeBody(pieces('abc', '', 'defghijklmnop'), undefined, () => ['X-Sum', '9', 'content-length', '3']),
  })
  assert.equal(
    await seen.promise,
    'POST / HTTP/1.1\r\nHost: a\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nd\r\ndefghijklmnop\r\n0\r\nX-Sum: 9\r\n\r\n',
  )
  assert.equal(await one.fate, 'idle')
})

test('a large body arrives whole at an origin that reads slowly', async () => {
  const body = Buffer.alloc(8_000_000, 'abcdefghij')
  await using one = await scene(async (origin) => {
    await origin.until('\r\n\r\n')
    for (let left = body.length; left > 0; left -= 500_000) {
      origin.socket.pause()
      await new Promise((resolve) => setImmediate(resolve))
      origin.socket.resume()
      assert.equal(await origin.until(500_000), body.toString('latin1', 0, 500_000))
    }
    origin.send('HTTP/1.1 204 No Content\r\n\r\n')
  })
  async function* parts(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < body.length; at += 100_000) yield body.subarray(at, at + 100_000)
  }
  assert.equal((await one.ask({ method: 'POST', body: madeBody(parts(), body.length) })).head.status, 204)
  assert.equal(await one.fate, 'idle')
})

test('an answer that nobody reads stops the origin, and goes on when it is read', async () => {
  await using one = await scene((origin) => {
    origin.send('HTTP/1.1 200 OK\r\nContent-Length: 4000000\r\n\r\n')
    origin.send(Buffer.alloc(4_000_000, 'x'))
  })
  const { body } = await one.ask()
  while (!one.socket.isPaused()) await new Promise((resolve) => setImmediate(resolve))
  assert.ok(one.socket.bytesRead < 1_000_000)
  assert.equal((await textOf(body)).length, 4_000_000)
  assert.equal(await one.fate, 'idle')
})

test('an early answer is delivered while the body is still on its way, and then the rest is not sent', async () => {
  await using one = await scene(async (origin) => {
    await origin.until('first')
    origin.send('HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\n')
    setImmediate(() => origin.send('big'))
  })
  let returned = false
  const body = {
    length: undefined,
    trailers: () => [],
    [Symbol.asyncIterator]: () => ({
      step: 0,
      next() {
        this.step += 1
        return this.step === 1 ? Promise.resolve({ done: false as const, value: Buffer.from('first') }) : never()
      },
      // Ending it would take the client's connection away.
      return: () => {
        returned = true
        return never()
      },
    }),
  }
  const answer = await one.ask({ method: 'POST', body })
  assert.equal(answer.head.status, 413)
  assert.equal(await textOf(answer.body), 'big')
  assert.equal(await one.fate, 'gone')
  assert.equal(returned, false)
})

test('an answer that comes with the last byte of the body leaves the connection in use', async () => {
  const answered = Promise.withResolvers<void>()
  await using one = await scene(async (origin) => {
    await origin.until('abc')
    origin.send('HTTP/1.1 204 No Content\r\n\r\n')
  })
  async function* slowToEnd(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('abc')
    await answered.promise
  }
  const answer = await one.ask({ method: 'POST', body: madeBody(slowToEnd(), 3) })
  assert.equal(answer.head.status, 204)
  assert.equal(await one.fate, 'idle')
  answered.resolve()
})

test('a body that breaks off takes the connection with it', async () => {
  async function* broken(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('abc')
    throw new Error('reset')
  }
  for (const [body, code] of [
    [madeBody(broken(), undefined), 'client_aborted'],
    [madeBody(pieces('abc'), 5), 'internal_error'],
    [madeBody(pieces('abc', 'def'), 5), 'internal_error'],
  ] as const) {
    await using one = await scene(() => undefined)
    await assert.rejects(one.ask({ method: 'POST', body }), { code })
    assert.equal(await one.fate, 'gone')
  }
})

const expecting = ['Host', 'a', 'Expect', '100-continue'] as const
test('a body that waits for 100 goes upon it', async () => {
  await using one = await scene(async (origin) => {
    const head = await origin.until('\r\n\r\n')
    assert.match(head, /\r\nExpect: 100-continue\r\n/)
    assert.equal(origin.pending(), '')
    origin.send('HTTP/1.1 100 Continue\r\n\r\n')
    await origin.until('abc')
    origin.send('HTTP/1.1 204 No Content\r\n\r\n')
  })
  await one.ask({ method: 'POST', headers: expecting, body: 'abc' })
  assert.deepEqual(one.informed, [[100, []]])
  assert.equal(await one.fate, 'idle')
})

test('a body that waits for 100 and is refused is not sent', async () => {
  const rest = Promise.withResolvers<string>()
  await using one = await scene(async (origin) => {
    await origin.until('\r\n\r\n')
    origin.send('HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n')
    rest.resolve(await origin.rest())
  })
  assert.equal((await one.ask({ method: 'POST', headers: expecting, body: 'abc' })).head.status, 417)
  assert.equal(await one.fate, 'gone')
  assert.equal(await rest.promise, '')
})

test('a body that waits for 100 in vain goes nevertheless', async () => {
  await using one = await scene(async (origin) => {
    await origin.until('abc')
    origin.send('HTTP/1.1 204 No Content\r\n\r\n')
  })
  await one.ask({ method: 'POST', headers: expecting, body: bytesBody(Buffer.from('abc')) })
  assert.equal(await one.fate, 'idle')
})

test('a client that goes away takes the connection with it, before the answer and within it', async () => {
  await using waiting = await scene(() => undefined)
  const first = waiting.ask()
  waiting.gone.abort()
  await assert.rejects(first, { code: 'client_aborted' })
  assert.equal(await waiting.fate, 'gone')
  await using reading = await scene((origin) => origin.send('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab'))
  const { body } = await reading.ask()
  reading.gone.abort()
  await assert.rejects(textOf(body), { code: 'client_aborted' })
  assert.equal(await reading.fate, 'gone')
})

test('a reader that stops lets go of the connection', async () => {
  await using one = await scene((origin) => origin.send('HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nab'))
  const { body } = await one.ask()
  for await (const _ of body ?? []) break
  assert.equal(await one.fate, 'gone')
})
