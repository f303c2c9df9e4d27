import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import type { Answer, RawHeaders, Request } from '../../src/core/http.ts'
import { madeBody } from '../../src/http/body.ts'
import { checks } from '../../src/upstream/checks.ts'
import { http2Session, sendHttp2 } from '../../src/upstream/http2.ts'
import { testAuthority } from '../support/authority.ts'
import { startOrigin, type OriginHandler } from '../support/origin.ts'
import { loopbackConnector, requestTo, textOf, type Asked } from '../support/scripted-origin.ts'

const authority = testAuthority()
const times = { headersTimeoutMs: 10_000, idleTimeoutMs: 10_000 }

async function scene(handler: OriginHandler, given = times, early = false) {
  const origin = await startOrigin(handler, { authority, names: ['origin.test'], alpn: ['h2'], early })
  const at = { scheme: 'https', host: 'origin.test', port: origin.port } as const
  const socket = await loopbackConnector(authority.cert).http(at, ['h2'])
  let gone = 0
  const session = await http2Session(at, socket, () => (gone += 1))
  const clock = (): number => performance.now()
  const terms = { times: given, clock, checks: checks(10, clock) }
  const informed: [number, RawHeaders][] = []
  const ask = (asked: Asked = {}, signal = new AbortController().signal): Promise<Answer> => {
    const request: Request = requestTo(origin.port, { scheme: 'https', version: '2', ...asked })
    session.open += 1
    return sendHttp2(
      session,
      request,
      { signal, inform: (status, headers) => void informed.push([status, headers]) },
      terms,
    )
  }
  return {
    origin,
    session,
    informed,
    ask,
    gone: () => gone,
    [Symbol.asyncDispose]: async () => {
      session.session.destroy()
      await origin.close()
    },
  }
}

test('a request goes out with its fields, and its authority is the Host it was given', async () => {
  await using one = await scene((_seen, response) => response.end())
  await one.ask({
    method: 'POST',
    path: '/v1',
    headers: ['Host', 'other.test:8443', 'X-A', '1', 'x-a', '2', 'TE', 'trailers', 'Connection', 'x-hop', 'X-Hop', '1'],
    body: 'abc',
  })
  const [seen] = await one.origin.requests(1)
  assert.deepEqual(
    [seen?.method, seen?.url, seen?.text(), seen?.header(':authority'), seen?.header('te'), seen?.header('x-hop')],
    ['POST', '/v1', 'abc', 'other.test:8443', 'trailers', undefined],
  )
  assert.ok(['1, 2', '1'].includes(seen?.header('x-a') ?? ''))
})

test('an answer comes with its fields, body and trailers', async () => {
  await using one = await scene((_seen, response) => {
    response.writeHead(200, { 'x-a': ['1', '2'] })
    response.addTrailers({ 'grpc-status': '0' })
    response.end('hello')
  })
  const { head, body } = await one.ask()
  assert.deepEqual(
    [head.status, head.version, head.headers.filter((_, i) => head.headers[i - (i % 2)] === 'x-a')],
    [200, '2', ['x-a', '1', 'x-a', '2']],
  )
  assert.equal(await textOf(body), 'hello')
  assert.deepEqual(body?.trailers(), ['grpc-status', '0'])
})

test('a streamed body arrives with its trailers', async () => {
  await using one = await scene((_seen, response) => response.end())
  async function* pieces(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('ab')
    yield Buffer.from('c')
  }
  await one.ask({ method: 'POST', body: madeBody(pieces(), undefined) })
  assert.equal((await one.origin.requests(1))[0]?.text(), 'abc')
})

test('informational answers are told', async () => {
  await using one = await scene((_seen, response) => {
    response.stream?.additionalHeaders({ ':status': 103, link: '</a>' })
    response.end('x')
  })
  await textOf((await one.ask()).body)
  assert.deepEqual(one.informed, [[103, ['link', '</a>']]])
})

test('a client that goes away resets its stream and leaves the session', async () => {
  await using one = await scene((_seen, _response) => undefined)
  const gone = new AbortController()
  const asked = one.ask({}, gone.signal)
  const [seen] = await one.origin.requests(1)
  gone.abort()
  await assert.rejects(asked, { code: 'client_aborted' })
  assert.ok(seen !== undefined)
  assert.equal(await one.origin.settled(seen), 'aborted')
  one.origin.answer((_seen, response) => response.end('x'))
  assert.equal(await textOf((await one.ask()).body), 'x')
})

test('an origin that resets the stream, or does not answer, is told', async () => {
  await using resetting = await scene((_seen, response) => response.stream?.close(2))
  await assert.rejects(resetting.ask(), { code: 'upstream_closed' })
  await using silent = await scene(() => undefined, { headersTimeoutMs: 30, idleTimeoutMs: 10_000 })
  await assert.rejects(silent.ask(), { code: 'upstream_timeout' })
})

test('a body that is cut off rejects, after what has come', async () => {
  await using one = await scene((_seen, response) => {
    response.writeHead(200)
    response.write('ab')
  })
  const { body } = await one.ask()
  const [seen] = await one.origin.requests(1)
  const iterator = body?.[Symbol.asyncIterator]()
  assert.equal(Buffer.from((await iterator?.next())?.value ?? []).toString(), 'ab')
  assert.ok(seen !== undefined)
  await one.origin.close()
  await assert.rejects(async () => iterator?.next(), { code: 'upstream_closed' })
})

test('a session that ends takes no more requests, and says so', async () => {
  await using one = await scene((_seen, response) => response.end('x'))
  await textOf((await one.ask()).body)
  one.session.session.destroy()
  await once(one.session.session, 'close')
  assert.ok(one.gone() > 0)
})
