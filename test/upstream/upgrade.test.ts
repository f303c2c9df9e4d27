import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2'
import { test } from 'node:test'
import { acceptOf } from '../../src/http/websocket-handshake.ts'
import { upstream } from '../../src/upstream/send.ts'
import { testAuthority } from '../support/authority.ts'
import { startOrigin, type OriginOptions } from '../support/origin.ts'
import { loopbackConnector, requestTo, textOf, type Asked } from '../support/scripted-origin.ts'

const authority = testAuthority()
const key = 'dGhlIHNhbXBsZSBub25jZQ=='
const overHttp1 = ['Host', 'a.test', 'Cookie', 'a=1', 'X-Mine', '1', 'Sec-WebSocket-Version', '13']
const upgradeFields = ['Connection', 'Upgrade', 'Upgrade', 'websocket', 'Sec-WebSocket-Key', key]

async function scene(options: OriginOptions) {
  const origin = await startOrigin((_seen, response) => response.end('no socket'), {
    authority,
    names: ['origin.test'],
    ...options,
  })
  const times = { headersTimeoutMs: 10_000, idleTimeoutMs: 7_000 }
  const sender = upstream(loopbackConnector(authority.cert), times, () => 0)
  return {
    upgrade: (asked: Asked, signal = new AbortController().signal) =>
      sender.upgrade(requestTo(origin.port, { scheme: 'https', ...asked }), signal),
    [Symbol.asyncDispose]: async () => {
      await sender.close()
      await origin.close()
    },
  }
}

/** An HTTP/1.1 origin that says this; `ACCEPT` is what it should. */
const http1 = (text: string, seen: IncomingHttpHeaders[] = []): OriginOptions => ({
  alpn: ['http/1.1'],
  onUpgrade(request, socket) {
    seen.push(request.headers)
    socket.write(text.replace('ACCEPT', acceptOf(String(request.headers['sec-websocket-key']))))
  },
})
const http2 = (answer: (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void): OriginOptions => ({
  alpn: ['h2'],
  onExtendedConnect: answer,
})
const switching = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n'

test('an HTTP/1.1 handshake reaches an HTTP/1.1 origin with its key, and the answer comes back', async () => {
  const seen: IncomingHttpHeaders[] = []
  await using one = await scene(http1(`${switching}Sec-WebSocket-Accept: ACCEPT\r\nX-A: b\r\n\r\nfirst`, seen))
  const upgraded = await one.upgrade({ headers: [...overHttp1, ...upgradeFields] })
  assert.ok(upgraded.kind === 'upgraded')
  assert.partialDeepStrictEqual(seen[0], { 'x-mine': '1', 'sec-websocket-key': key, connection: 'Upgrade' })
  assert.deepEqual([upgraded.version, upgraded.silenceMs, String(upgraded.head)], ['1.1', 7_000, 'first'])
  assert.deepEqual(upgraded.headers, [
    'Sec-WebSocket-Accept',
    acceptOf(key),
    'X-A',
    'b',
    'Connection',
    'Upgrade',
    'Upgrade',
    'websocket',
  ])
  upgraded.socket.destroy()
})

test('an extended CONNECT reaches an HTTP/1.1 origin as an upgrade with a key of its own', async () => {
  const seen: IncomingHttpHeaders[] = []
  await using one = await scene(http1(`${switching}Sec-WebSocket-Accept: ACCEPT\r\nX-A: b\r\n\r\n`, seen))
  const upgraded = await one.upgrade({ version: '2', headers: [...overHttp1, 'cookie', 'b=2'] })
  assert.ok(upgraded.kind === 'upgraded')
  assert.partialDeepStrictEqual(seen[0], { cookie: 'a=1; b=2', 'sec-websocket-version': '13', upgrade: 'websocket' })
  assert.equal(Buffer.from(String(seen[0]?.['sec-websocket-key']), 'base64').length, 16)
  assert.deepEqual(upgraded.headers, ['X-A', 'b'])
  upgraded.socket.destroy()
})

const wrong: [what: string, text: string, version: '1.1' | '2'][] = [
  ['without an accept', `${switching}\r\n`, '1.1'],
  ['with a wrong accept', `${switching}Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOp=\r\n\r\n`, '1.1'],
  ['with a wrong accept, for HTTP/2', `${switching}Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n`, '2'],
  [
    'for another protocol',
    'HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nSec-WebSocket-Accept: ACCEPT\r\n\r\n',
    '1.1',
  ],
  ['that is a 200, for HTTP/2', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok', '2'],
]
for (const [what, text, version] of wrong) {
  test(`an answer ${what} is not one to an upgrade`, async () => {
    await using one = await scene(http1(text))
    await assert.rejects(one.upgrade({ version, headers: [...overHttp1, ...upgradeFields] }), {
      code: 'upstream_invalid',
    })
  })
}

test('a refusal is heard out in either version', async () => {
  await using one = await scene(http1('HTTP/1.1 429 Slow\r\nContent-Length: 4\r\nX-Why: no\r\n\r\nnope'))
  await using two = await scene(
    http2((stream) => {
      stream.respond({ ':status': 429, 'x-why': 'no' })
      stream.end('nope')
    }),
  )
  for (const { upgrade } of [one, two]) {
    const upgraded = await upgrade({ version: '2', headers: overHttp1 })
    assert.ok(upgraded.kind === 'answered')
    assert.equal(upgraded.answer.head.status, 429)
    assert.equal(await textOf(upgraded.answer.body), 'nope')
  }
})

for (const version of ['1.1', '2'] as const) {
  test(`an origin of HTTP/2 gets an extended CONNECT from a client of HTTP/${version}`, async () => {
    const seen: IncomingHttpHeaders[] = []
    await using one = await scene(
      http2((stream, headers) => {
        seen.push(headers)
        stream.respond({ ':status': 200, 'sec-websocket-protocol': 'chat' })
        stream.pipe(stream)
      }),
    )
    const upgraded = await one.upgrade({
      version,
      path: '/live',
      headers: [...overHttp1, ...(version === '2' ? [] : upgradeFields)],
    })
    assert.ok(upgraded.kind === 'upgraded')
    assert.partialDeepStrictEqual(seen[0], {
      ':method': 'CONNECT',
      ':protocol': 'websocket',
      ':path': '/live',
      ':authority': 'a.test',
      'x-mine': '1',
      'sec-websocket-version': '13',
    })
    assert.deepEqual(
      [seen[0]?.['sec-websocket-key'], seen[0]?.connection, seen[0]?.upgrade],
      [undefined, undefined, undefined],
    )
    const fields = upgraded.headers.join(' ')
    assert.match(fields, /sec-websocket-protocol chat/)
    assert.equal(fields.includes(acceptOf(key)), version === '1.1')
    upgraded.socket.write('hello')
    assert.equal(String((await once(upgraded.socket, 'data'))[0]), 'hello')
    upgraded.socket.destroy()
  })

  test(`an origin of HTTP/2 alone that offers no extended CONNECT cannot serve HTTP/${version}`, async () => {
    await using one = await scene({ alpn: ['h2'] })
    await assert.rejects(one.upgrade({ version, headers: [...overHttp1, ...upgradeFields] }), {
      code: 'upstream_invalid',
    })
  })
}

test('an origin with both, but no extended CONNECT, gets an upgrade', async () => {
  const { onUpgrade } = http1(`${switching}Sec-WebSocket-Accept: ACCEPT\r\n\r\n`)
  await using one = await scene(onUpgrade === undefined ? {} : { onUpgrade })
  const upgraded = await one.upgrade({ version: '2', headers: overHttp1 })
  assert.equal(upgraded.kind === 'upgraded' && upgraded.version, '1.1')
  if (upgraded.kind === 'upgraded') upgraded.socket.destroy()
})

test('a client that leaves during the handshake takes it back', async () => {
  const gone = new AbortController()
  const closed = Promise.withResolvers<void>()
  await using one = await scene(
    http2((stream) => {
      stream.once('close', () => closed.resolve())
      gone.abort()
    }),
  )
  await assert.rejects(one.upgrade({ version: '2', headers: overHttp1 }, gone.signal), { code: 'client_aborted' })
  await closed.promise
})
