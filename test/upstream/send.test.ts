import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Answer, Body } from '../../src/core/http.ts'
import { madeBody } from '../../src/http/body.ts'
import type { Connector } from '../../src/upstream/connect.ts'
import { upstream } from '../../src/upstream/send.ts'
import { testAuthority } from '../support/authority.ts'
import { goaway, reset, types } from '../support/http2-frames.ts'
import { answer as reply, http2Origin, type Http2Connection } from '../support/http2-origin.ts'
import { startOrigin, type OriginHandler, type OriginOptions } from '../support/origin.ts'
import { loopbackConnector, requestTo, textOf, type Asked } from '../support/scripted-origin.ts'

const authority = testAuthority()
const times = { headersTimeoutMs: 10_000, idleTimeoutMs: 10_000 }

async function scene(
  options: OriginOptions = {},
  handler: OriginHandler = (seen, response) => response.end(seen.version),
) {
  const origin = await startOrigin(handler, { authority, names: ['origin.test'], ...options })
  const offered: string[] = []
  const inner = loopbackConnector(authority.cert)
  const connect: Connector = { ...inner, http: (at, alpn) => (offered.push(alpn.join()), inner.http(at, alpn)) }
  let at = 0
  const sender = upstream(connect, times, () => at)
  const ask = (asked: Asked = {}): Promise<Answer> =>
    sender.send(requestTo(origin.port, { scheme: 'https', ...asked }), {
      signal: new AbortController().signal,
      inform: () => undefined,
    })
  return {
    origin,
    offered,
    ask,
    later: (ms: number) => void (at += ms),
    retire: sender.retire,
    [Symbol.asyncDispose]: async () => {
      await sender.close()
      await origin.close()
    },
  }
}

test('a request goes in the version of its client where the origin has it', async () => {
  await using one = await scene()
  assert.equal(await textOf((await one.ask({ version: '1.1' })).body), '1.1')
  assert.equal(await textOf((await one.ask({ version: '2' })).body), '2')
})

test('requests of HTTP/2 share one session', async () => {
  await using one = await scene()
  const answers = await Promise.all([1, 2, 3].map(() => one.ask({ version: '2' })))
  assert.deepEqual(await Promise.all(answers.map(({ body }) => textOf(body))), ['2', '2', '2'])
  assert.equal(one.origin.connections(), 1)
})

test('an origin of HTTP/1.1 alone is asked so, on the connection that found out, and it is remembered for a while', async () => {
  await using one = await scene({ alpn: ['http/1.1'] })
  for (let i = 0; i < 3; i += 1) assert.equal(await textOf((await one.ask({ version: '2' })).body), '1.1')
  assert.deepEqual([one.offered, one.origin.connections()], [['h2,http/1.1'], 1])
  one.later(3_600_000)
  assert.equal(await textOf((await one.ask({ version: '2' })).body), '1.1')
  assert.equal(one.offered.at(-1), 'h2,http/1.1')
})

test('an origin of HTTP/2 alone is asked so whatever the client speaks', async () => {
  await using one = await scene({ alpn: ['h2'] })
  assert.equal(await textOf((await one.ask({ version: '1.1' })).body), '2')
})

test('a session that has ended is replaced', async () => {
  await using one = await scene({ alpn: ['h2'] })
  await textOf((await one.ask({ version: '2' })).body)
  one.origin.answer((_seen, response) => {
    response.stream?.session?.goaway(0)
    response.end('bye')
  })
  await textOf((await one.ask({ version: '2' })).body)
  one.origin.answer((_seen, response) => response.end('again'))
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(await textOf((await one.ask({ version: '2' })).body), 'again')
})

test('an origin that cannot be trusted is refused in both versions, each time anew', async () => {
  await using one = await scene({ authority: testAuthority() })
  for (const version of ['1.1', '2', '2'] as const)
    await assert.rejects(one.ask({ version }), { code: 'upstream_certificate_invalid' })
})

test('plain HTTP is HTTP/1.1', async () => {
  const origin = await startOrigin((seen, response) => response.end(seen.version))
  const sender = upstream(loopbackConnector(), times, () => 0)
  const { body } = await sender.send(requestTo(origin.port, { version: '2' }), {
    signal: new AbortController().signal,
    inform: () => undefined,
  })
  assert.equal(await textOf(body), '1.1')
  await sender.close()
  await origin.close()
})

async function retried(
  script: (connection: Http2Connection, index: number) => unknown,
  body: Body | string | null,
  headers: readonly string[] = [],
) {
  const origin = await http2Origin(authority, 'origin.test', script)
  const sender = upstream(loopbackConnector(authority.cert), times, () => 0)
  const sending = { signal: new AbortController().signal, inform: () => undefined }
  const request = requestTo(origin.port, { scheme: 'https', version: '2', method: 'POST', headers, body })
  return {
    origin,
    answer: sender.send(request, sending),
    [Symbol.asyncDispose]: async () => {
      await sender.close()
      await origin[Symbol.asyncDispose]()
    },
  }
}

test('a body that is held back goes with its request to where it is taken', async () => {
  let tries = 0
  const pieces = (async function* (): AsyncGenerator<Uint8Array> {
    yield Buffer.from('piece')
  })()
  await using one = await retried(
    async (connection) => {
      for (let next = await connection.next(); next !== undefined; next = await connection.next()) {
        if (next.type === types.headers) connection.send((tries += 1) === 1 ? reset(next.id, 7) : reply(next.id, 100))
        if (next.type === types.data && next.payload.toString() === 'piece')
          connection.send(reply(next.id, 200, [], true))
      }
    },
    madeBody(pieces, undefined),
    ['Expect', '100-continue'],
  )
  assert.deepEqual([(await one.answer).head.status, tries], [200, 2])
})

const untaken: readonly (readonly [what: string, frames: (id: number) => Buffer, connections: number])[] = [
  ['REFUSED_STREAM', (id) => reset(id, 7), 1],
  ['GOAWAY', () => goaway(0, 0), 2],
  ['GOAWAY with an error', () => goaway(0, 11), 2],
]

for (const [what, frames, connections] of untaken) {
  const script = (): ((connection: Http2Connection) => Promise<void>) => {
    let tries = 0
    return async (connection) => {
      for (;;) {
        const id = await connection.request().catch(() => undefined)
        if (id === undefined) return
        tries += 1
        connection.send(tries === 1 ? frames(id) : reply(id, 200, [], true))
      }
    }
  }

  test(`a request that was answered by ${what} is sent again, with its body`, async () => {
    for (const body of [null, 'abc']) {
      await using one = await retried(script(), body)
      assert.equal((await one.answer).head.status, 200)
      assert.equal(one.origin.connections(), connections)
    }
  })

  test(`a request whose body is on its way is not sent again after ${what}`, async () => {
    await using one = await retried(script(), madeBody(endless(), undefined))
    await assert.rejects(one.answer, { code: 'upstream_closed' })
  })
}

test('an origin that refuses every time is not asked without end', async () => {
  let tries = 0
  await using one = await retried(async (connection) => {
    for (;;) {
      const id = await connection.request().catch(() => undefined)
      if (id === undefined) return
      tries += 1
      connection.send(reset(id, 7))
    }
  }, null)
  await assert.rejects(one.answer, { code: 'upstream_closed' })
  assert.equal(tries, 3)
})

test('a request that has to go over HTTP/1.1 does, and so do those after it', async () => {
  let asked = 0
  await using one = await scene({}, (seen, response) => {
    if (seen.version === '1.1') return void response.end('1.1')
    asked += 1
    response.stream?.close(13)
  })
  for (let i = 0; i < 2; i += 1) assert.equal(await textOf((await one.ask({ version: '2' })).body), '1.1')
  assert.equal(asked, 1)
})

test('that an origin speaks HTTP/2 alone is found out once', async () => {
  await using one = await scene({ alpn: ['h2'] })
  for (let i = 0; i < 2; i += 1) await textOf((await one.ask({ version: '1.1' })).body)
  assert.deepEqual([one.offered, one.origin.connections()], [['http/1.1', 'h2,http/1.1'], 2])
})

test('cookies that HTTP/2 split reach HTTP/1.1 as one', async () => {
  await using one = await scene({ alpn: ['http/1.1'] }, (seen, response) => void response.end(seen.header('cookie')))
  const headers = ['host', 'origin.test', 'cookie', 'a=1', 'cookie', 'b=2']
  assert.equal(await textOf((await one.ask({ version: '2', headers })).body), 'a=1; b=2')
})

async function* endless(): AsyncGenerator<Uint8Array> {
  yield Buffer.from('abc')
  await new Promise(() => undefined)
}

for (const version of ['1.1', '2'] as const) {
  test(`what is retired finishes what is in flight over HTTP/${version}, and keeps no connection`, async () => {
    const going = Promise.withResolvers<void>()
    const closed = Promise.withResolvers<void>()
    await using one = await scene({}, async (_seen, response, { socket }) => {
      socket.once('close', closed.resolve)
      response.writeHead(200)
      response.write('begun, ')
      await going.promise
      response.end('done')
    })
    const { body } = await one.ask({ version })
    one.retire()
    await new Promise((resolve) => void setTimeout(resolve, 50))
    going.resolve()
    assert.equal(await textOf(body), 'begun, done')
    await closed.promise
  })
}
