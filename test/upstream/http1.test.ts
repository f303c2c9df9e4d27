import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect as connectTcp, type AddressInfo, type Socket } from 'node:net'
import { test } from 'node:test'
import { createServer as createTls } from 'node:tls'
import type { Answer, Request } from '../../src/core/http.ts'
import { madeBody } from '../../src/http/body.ts'
import { http1 } from '../../src/upstream/http1.ts'
import type { Http1 } from '../../src/upstream/http1.ts'
import { testAuthority } from '../support/authority.ts'
import { over, type RawClient } from '../support/raw-client.ts'
import { loopbackConnector, requestTo, scriptedOrigin, textOf } from '../support/scripted-origin.ts'

const times = { headersTimeoutMs: 20_000, idleTimeoutMs: 20_000 }
const aborted = { code: 'client_aborted' }

/** A client and a way to ask; closed at the end of the scope. */
function client(given = times): {
  asked: (request: Request, signal?: AbortSignal) => Promise<Answer>
  http: Http1
  [Symbol.asyncDispose]: () => Promise<void>
} {
  const http = http1(loopbackConnector(), given)
  const asked = (request: Request, signal = new AbortController().signal): Promise<Answer> => {
    const { scheme, host, port } = request.head.target
    return http.send({ scheme, host, port }, request, { signal, inform: () => undefined })
  }
  return { asked, http, [Symbol.asyncDispose]: () => http.close() }
}

/** Answers every request on the connection with the connection's number. */
const numbered = async (connection: RawClient, index: number): Promise<void> => {
  for (;;) {
    if ((await connection.until('\r\n\r\n').catch(() => undefined)) === undefined) return
    connection.send(`HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n${index}`)
  }
}

test('one request after another goes over one connection', async () => {
  await using origin = await scriptedOrigin(numbered)
  await using one = client()
  for (let i = 0; i < 5; i += 1) assert.equal(await textOf((await one.asked(requestTo(origin.port))).body), '0')
  assert.equal(origin.connections(), 1)
})

for (const scheme of ['NTLM TlRMTVNTUAAB', 'Negotiate YIIB', 'negotiate YIIB']) {
  test(`nobody else's request follows one that authenticated its connection: ${scheme}`, async () => {
    await using origin = await scriptedOrigin(numbered)
    await using one = client()
    const headers = ['Host', 'x', 'Authorization', scheme]
    assert.equal(await textOf((await one.asked(requestTo(origin.port, { headers }))).body), '0')
    assert.equal(await textOf((await one.asked(requestTo(origin.port))).body), '1')
  })
}

test('requests at the same time have connections of their own, and the one used last is used first', async () => {
  const asked: RawClient[] = []
  await using origin = await scriptedOrigin(async (connection, index) => {
    if (index < 3) {
      await connection.until('\r\n\r\n')
      asked.push(connection)
      if (asked.length === 3) for (const each of asked) each.send('HTTP/1.1 204 No Content\r\n\r\n')
    }
    await numbered(connection, index)
  })
  await using one = client()
  await Promise.all([1, 2, 3].map(() => one.asked(requestTo(origin.port))))
  const first = await textOf((await one.asked(requestTo(origin.port))).body)
  for (let i = 0; i < 3; i += 1) assert.equal(await textOf((await one.asked(requestTo(origin.port))).body), first)
  assert.equal(origin.connections(), 3)
})

const spoiled: [why: string, answer: string][] = [
  ['says close', 'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx'],
  ['is HTTP/1.0', 'HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx'],
  [
    'has bytes after it',
    'HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged',
  ],
  ['is a 204 with a body', 'HTTP/1.1 204 No Content\r\nContent-Length: 1\r\n\r\n'],
  ['will not be kept for long', 'HTTP/1.1 200 OK\r\nKeep-Alive: timeout=1\r\nContent-Length: 1\r\n\r\nx'],
]
for (const [why, answer] of spoiled) {
  test(`a connection whose answer ${why} is not used again`, async () => {
    await using origin = await scriptedOrigin(async (connection) => {
      await connection.until('\r\n\r\n')
      connection.send(answer)
    })
    await using one = client()
    for (const count of [1, 2]) {
      const { head, body } = await one.asked(requestTo(origin.port))
      assert.equal(await textOf(body), head.status === 204 ? '' : 'x')
      assert.equal(origin.connections(), count)
    }
  })
}

for (const [why, spoil] of [
  ['speaks', (one: RawClient) => one.send('HTTP/1.1 200 OK\r\n\r\n')],
  ['ends', (one: RawClient) => one.end()],
  ['breaks', (one: RawClient) => one.reset()],
] as const) {
  test(`an idle connection that ${why} is let go`, async () => {
    const closed = Promise.withResolvers<void>()
    await using origin = await scriptedOrigin(async (connection, index) => {
      await connection.until('\r\n\r\n')
      connection.send('HTTP/1.1 204 No Content\r\n\r\n')
      if (index > 0) return
      connection.socket.on('close', () => closed.resolve())
      spoil(connection)
    })
    await using one = client()
    await one.asked(requestTo(origin.port))
    await closed.promise
    await one.asked(requestTo(origin.port, { method: 'POST' }))
    assert.equal(origin.connections(), 2)
  })
}

/** Its first connection answers one request and closes upon the second. */
const forgetful = async (connection: RawClient, index: number): Promise<void> => {
  if (index > 0) return numbered(connection, index)
  await connection.until('\r\n\r\n')
  connection.send('HTTP/1.1 204 No Content\r\n\r\n')
  await connection.until('\r\n\r\n')
  connection.reset()
}
const made = (): ReturnType<typeof madeBody> =>
  madeBody(
    (async function* () {
      yield Buffer.from('a')
    })(),
    1,
  )
const repeats: [what: string, asked: () => Parameters<typeof requestTo>[1], again: boolean][] = [
  ['a GET', () => ({}), true],
  ['a PUT whose body is at hand', () => ({ method: 'PUT', body: 'abc' }), true],
  ['a PUT whose body is on its way', () => ({ method: 'PUT', body: made() }), false],
  ['a POST', () => ({ method: 'POST', body: 'abc' }), false],
]
for (const [what, asked, again] of repeats) {
  test(`${what} that meets a closing connection is ${again ? 'sent again on a new one' : 'not sent twice'}`, async () => {
    await using origin = await scriptedOrigin(forgetful)
    await using one = client()
    await one.asked(requestTo(origin.port))
    const second = one.asked(requestTo(origin.port, asked()))
    if (again) assert.equal(await textOf((await second).body), '1')
    else await assert.rejects(second, { code: 'upstream_closed' })
    assert.equal(origin.connections(), again ? 2 : 1)
  })
}

test('a GET that has had a part of an answer, or a new connection, is not sent again', async () => {
  await using origin = await scriptedOrigin(async (connection, index) => {
    await connection.until('\r\n\r\n')
    if (index === 1) return connection.end()
    connection.send('HTTP/1.1 204 No Content\r\n\r\n')
    await connection.until('\r\n\r\n')
    connection.send('HTTP/1.1 1')
    connection.end()
  })
  await using one = client()
  await one.asked(requestTo(origin.port))
  await assert.rejects(one.asked(requestTo(origin.port)), { code: 'upstream_closed' })
  await assert.rejects(one.asked(requestTo(origin.port)), { code: 'upstream_closed' })
  assert.equal(origin.connections(), 2)
})

test('a connection made elsewhere is adopted', async () => {
  await using origin = await scriptedOrigin(numbered)
  await using one = client()
  const socket = connectTcp({ port: origin.port, host: '127.0.0.1' })
  await once(socket, 'connect')
  one.http.adopt({ scheme: 'http', host: 'origin.test', port: origin.port }, socket)
  assert.equal(await textOf((await one.asked(requestTo(origin.port))).body), '0')
  assert.equal(origin.connections(), 1)
})

test('a request whose client has gone is not begun', async () => {
  await using origin = await scriptedOrigin(numbered)
  await using one = client()
  await assert.rejects(one.asked(requestTo(origin.port), AbortSignal.abort()), aborted)
  assert.equal(origin.connections(), 0)
})

test('a request whose client goes while the connection is made leaves it to the next', async () => {
  await using origin = await scriptedOrigin(numbered)
  await using one = client()
  const gone = new AbortController()
  const first = one.asked(requestTo(origin.port), gone.signal)
  gone.abort()
  await assert.rejects(first, aborted)
  assert.equal(await textOf((await one.asked(requestTo(origin.port))).body), String(origin.connections() - 1))
})

test('a request that cannot be written takes no connection', async () => {
  await using origin = await scriptedOrigin(numbered)
  await using one = client()
  await one.asked(requestTo(origin.port))
  await assert.rejects(one.asked(requestTo(origin.port, { headers: ['Host', 'a', 'x', 'a\r\nb: c'] })), {
    code: 'malformed_request',
  })
  await one.asked(requestTo(origin.port))
  assert.equal(origin.connections(), 1)
})

test('an origin that cannot be reached is told', async () => {
  const origin = await scriptedOrigin(numbered)
  origin.close()
  await using one = client()
  await assert.rejects(one.asked(requestTo(origin.port)), { code: 'upstream_unreachable' })
})

test('closing ends what is idle, what is on its way, and what is still being made', async () => {
  await using origin = await scriptedOrigin(async (connection, index) => {
    if (index === 0) await numbered(connection, index)
  })
  const one = client()
  await one.asked(requestTo(origin.port))
  const waiting = one.asked(
    requestTo(origin.port, {
      headers: ['Host', 'x'],
      body: madeBody(
        (async function* () {
          await new Promise(() => undefined)
          yield Buffer.from('')
        })(),
        5,
      ),
    }),
  )
  const making = one.asked(requestTo(origin.port))
  await one.http.close()
  await assert.rejects(waiting, { code: 'upstream_closed' })
  await assert.rejects(making, { code: 'upstream_closed' })
})

const slow: [what: string, answer: string, code: string][] = [
  ['does not answer', '', 'upstream_timeout'],
  ['stops within its head', 'HTTP/1.1 200 OK\r\n', 'upstream_timeout'],
  ['says 100 and nothing more', 'HTTP/1.1 100 Continue\r\n\r\n', 'upstream_timeout'],
  ['stops within its body', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc', 'upstream_timeout'],
]
for (const [what, answer, code] of slow) {
  test(`an origin that ${what} runs out of time`, async () => {
    await using origin = await scriptedOrigin((connection) => connection.send(answer))
    await using one = client({ headersTimeoutMs: 60, idleTimeoutMs: 60 })
    await assert.rejects(async () => textOf((await one.asked(requestTo(origin.port))).body), { code })
  })
}

test('an answer that nobody reads does not hold its connection for ever', async () => {
  const closed = Promise.withResolvers<void>()
  await using origin = await scriptedOrigin((connection) => {
    connection.send('HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n')
    connection.send(Buffer.alloc(20_000_000))
    connection.socket.on('close', () => closed.resolve())
  })
  await using one = client({ headersTimeoutMs: 10_000, idleTimeoutMs: 60 })
  const { body } = await one.asked(requestTo(origin.port))
  await closed.promise
  await assert.rejects(textOf(body), aborted)
})

test('over TLS, connections are kept, and an origin that breaks them fails the exchange only', async () => {
  const authority = testAuthority()
  const raw: Socket[] = []
  const server = createTls(authority.issue(['origin.test']), async (socket) => {
    socket.on('error', () => undefined)
    const connection = over(socket)
    await connection.until('\r\n\r\n').catch(() => undefined)
    connection.send('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
    await connection.until('\r\n\r\n').catch(() => undefined)
    connection.send('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no')
    raw.at(-1)?.resetAndDestroy()
  }).listen(0, '127.0.0.1')
  await once(
    server.on('connection', (socket: Socket) => raw.push(socket)),
    'listening',
  )
  const { port } = server.address() as AddressInfo
  const http = http1(loopbackConnector(authority.cert), times)
  const asked = async (): Promise<string> => {
    const sending = { signal: new AbortController().signal, inform: () => undefined }
    const at = { scheme: 'https', host: 'origin.test', port } as const
    return textOf(
      (await http.send(at, requestTo(port, { scheme: 'https', method: 'POST', body: 'abc' }), sending)).body,
    )
  }
  assert.equal(await asked(), 'ok')
  await assert.rejects(asked(), { code: 'upstream_closed' })
  assert.equal(raw.length, 1)
  assert.equal(await asked(), 'ok')
  await http.close()
  server.close()
})

test('a POST on a connection that has rested hears first whether its origin has closed it', async () => {
  let now = 0
  const kept = Promise.withResolvers<RawClient>()
  await using origin = await scriptedOrigin(async (connection, index) => {
    if (index > 0) return numbered(connection, index)
    await connection.until('\r\n\r\n')
    connection.send('HTTP/1.1 204 No Content\r\n\r\n')
    kept.resolve(connection)
  })
  const http = http1(loopbackConnector(), times, () => now)
  const ask = (method: string, body: string | null): Promise<Answer> => {
    const request = requestTo(origin.port, { method, body })
    const { scheme, host, port } = request.head.target
    return http.send({ scheme, host, port }, request, { signal: new AbortController().signal, inform: () => undefined })
  }
  await ask('GET', null)
  now = 2_000
  const connection = await kept.promise
  // The end is on its way in the same turn in which the request is made.
  connection.close()
  assert.equal(await textOf((await ask('POST', 'abc')).body), '1')
  await http.close()
})

test('a connection is given up before its origin would close it, once that is known', async () => {
  let now = 0
  const first = Promise.withResolvers<RawClient>()
  await using origin = await scriptedOrigin((connection, index) => {
    if (index === 0) first.resolve(connection)
    return numbered(connection, index)
  })
  const http = http1(loopbackConnector(), times, () => now)
  const ask = async (): Promise<string> => {
    const request = requestTo(origin.port)
    const { scheme, host, port } = request.head.target
    const sending = { signal: new AbortController().signal, inform: () => undefined }
    return textOf((await http.send({ scheme, host, port }, request, sending)).body)
  }
  assert.equal(await ask(), '0')
  now = 5_000
  const closed = once((await first.promise).socket, 'close')
  ;(await first.promise).end()
  await closed
  assert.equal(await ask(), '1')
  now += 3_900
  assert.equal(await ask(), '1')
  now += 4_000
  assert.equal(await ask(), '2')
  await http.close()
})

test('a request whose body was still held back is sent again, whatever its method', async () => {
  await using origin = await scriptedOrigin(async (connection, index) => {
    await connection.until('\r\n\r\n')
    if (index === 0) {
      connection.send('HTTP/1.1 204 No Content\r\n\r\n')
      await connection.until('\r\n\r\n')
      return connection.reset()
    }
    connection.send('HTTP/1.1 100 Continue\r\n\r\n')
    await connection.until('a')
    connection.send('HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1')
  })
  await using one = client()
  await one.asked(requestTo(origin.port))
  const headers = ['Host', 'a', 'Expect', '100-continue']
  const answer = await one.asked(requestTo(origin.port, { method: 'POST', headers, body: made() }))
  assert.equal(await textOf(answer.body), '1')
})

test('requests to a parent proxy keep its connection, and its challenge ends in an error', async () => {
  const heads: string[] = []
  await using parent = await scriptedOrigin(async (peer) => {
    for (const answer of ['200 OK', '200 OK', '407 Proxy Authentication Required']) {
      heads.push(await peer.until('\r\n\r\n'))
      peer.send(`HTTP/1.1 ${answer}\r\nProxy-Authenticate: Basic\r\nContent-Length: 2\r\n\r\nok`)
    }
  })
  const form = { fields: ['Proxy-Authorization', 'Basic x'] }
  const http = http1({ ...loopbackConnector(), form: () => form }, times)
  const ask = (): Promise<Answer> => {
    const request = requestTo(parent.port, { path: '/a' })
    const { scheme, host, port } = request.head.target
    return http.send({ scheme, host, port }, request, { signal: new AbortController().signal, inform: () => undefined })
  }
  for (let i = 0; i < 2; i += 1) assert.equal(await textOf((await ask()).body), 'ok')
  await assert.rejects(ask(), { code: 'parent_proxy_failed', message: /credentials.*407/ })
  assert.equal(parent.connections(), 1)
  assert.equal(
    heads[2],
    `GET http://origin.test:${parent.port}/a HTTP/1.1\r\nHost: origin.test\r\nProxy-Authorization: Basic x\r\n\r\n`,
  )
  await http.close()
})
