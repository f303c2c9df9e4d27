import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { ClientHttp2Session, ClientHttp2Stream, IncomingHttpHeaders } from 'node:http2'
import { after, before, test } from 'node:test'
import { testAuthority } from '../support/authority.ts'
import { startOrigin, type Origin, type OriginHandler } from '../support/origin.ts'
import { startStage, type Stage } from '../support/stage.ts'

// `two.test` speaks HTTP/2, `one.test` only HTTP/1.1.
const authority = testAuthority()
let stage: Stage
let one: Origin

before(async () => {
  one = await startOrigin(() => {}, { authority, names: ['one.test'], alpn: ['http/1.1'] })
  stage = await startStage(() => {}, {
    authority,
    hosts: ['two.test'],
    origins: { 'one.test:443': one },
    policies: { 'a.yaml': { intercept: [{ hosts: ['*.test'], action: 'inspect' }] } },
  })
})

after(async () => {
  await stage[Symbol.asyncDispose]()
  await one.close()
})

const originOf = (host: string): Origin => (host === 'two.test' ? stage.origin : one)

const answerAll = (handler: OriginHandler) => {
  stage.origin.answer(handler)
  one.answer(handler)
}

for (const host of ['two.test', 'one.test']) {
  const version = host === 'two.test' ? '2' : '1.1'

  test(`an HTTP/2 client is served by an HTTP/${version} origin`, async () => {
    answerAll((seen, response) => {
      response.writeHead(201, { 'content-type': 'text/plain', 'x-seen': seen.version, 'set-cookie': ['a=1', 'b=2'] })
      response.end(seen.text().toUpperCase())
    })
    const session = await stage.http2(host)
    const answer = await ask(
      session,
      {
        ':method': 'POST',
        ':path': '/echo?x=1',
        ':authority': host,
        'x-twice': ['1', '2'],
        'content-type': 'text/plain',
      },
      'hello',
    )
    assert.deepEqual([answer.headers[':status'], answer.headers['x-seen'], answer.body], [201, version, 'HELLO'])
    assert.deepEqual(answer.headers['set-cookie'], ['a=1', 'b=2'])
    const seen = originOf(host).seen.at(-1)
    assert.equal(seen?.url, '/echo?x=1')
    assert.equal(seen?.header(version === '2' ? ':authority' : 'host'), host)
    assert.deepEqual(
      seen?.headers.filter((_, i) => seen.headers[i - 1]?.toLowerCase() === 'x-twice'),
      ['1', '2'],
    )
    session.close()
    const row = await stage.row('exchanges', (some) => some['host'] === host && some['path'] === '/echo?x=***')
    assert.deepEqual([row['http_version'], row['upstream_http_version'], row['status']], ['2', version, 201])
  })

  test(`an HTTP/1.1 client is served by an origin that has HTTP/${version}`, async () => {
    answerAll((seen, response) => void response.end(`${seen.method} ${seen.text()}`))
    const client = await stage.connect(host)
    client.send(
      `POST /x HTTP/1.1\r\nHost: ${host}\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n`,
    )
    assert.equal((await client.answer()).body, 'POST abcde')
    client.close()
  })

  test(`many streams of one HTTP/2 connection do not wait for each other, to an HTTP/${version} origin`, async () => {
    const waiting: (() => void)[] = []
    answerAll((seen, response) => {
      if (!seen.url.startsWith('/held')) return void response.end(seen.url)
      waiting.push(() => void response.end(seen.url))
    })
    const session = await stage.http2(host)
    const held = Array.from({ length: 60 }, (_, i) => ask(session, { ':path': `/held${i}` }))
    await originOf(host).requests(originOf(host).seen.filter((some) => !some.url.startsWith('/held')).length + 60)
    assert.equal((await ask(session, { ':path': '/quick' })).body, '/quick')
    for (const release of waiting.toReversed()) release()
    const bodies = await Promise.all(held)
    assert.deepEqual(
      bodies.map(({ body }) => body),
      Array.from({ length: 60 }, (_, i) => `/held${i}`),
    )
    session.close()
  })

  test(`answers without a body have none in HTTP/2, from an HTTP/${version} origin`, async () => {
    answerAll((seen, response) => {
      response.writeHead(Number(seen.url.slice(1)), { 'x-a': '1' })
      response.end()
    })
    const session = await stage.http2(host)
    for (const [method, path, status] of [
      ['GET', '/204', 204],
      ['GET', '/304', 304],
      ['HEAD', '/200', 200],
    ] as const) {
      const answer = await ask(session, { ':method': method, ':path': path })
      assert.deepEqual([answer.headers[':status'], answer.headers['x-a'], answer.body], [status, '1', ''])
    }
    session.close()
  })

  test(`early hints of an HTTP/${version} origin reach an HTTP/2 client`, async () => {
    answerAll((_seen, response) => {
      response.writeEarlyHints({ link: '</a.css>; rel=preload' })
      response.end('done')
    })
    const session = await stage.http2(host)
    const stream = session.request({ ':path': '/hints' })
    stream.resume()
    const [hints] = (await once(stream, 'headers')) as [IncomingHttpHeaders]
    assert.deepEqual([hints[':status'], hints['link']], [103, '</a.css>; rel=preload'])
    await once(stream, 'end')
    session.close()
  })

  test(`a stream that the client resets aborts the request at an HTTP/${version} origin, and no other`, async () => {
    answerAll((seen, response) => {
      if (seen.url === '/fine') return void response.end('fine')
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write('data: 1\n\n')
    })
    const session = await stage.http2(host)
    const stream = session.request({ ':path': `/reset-${host}` })
    await once(stream, 'data')
    const seen = originOf(host).seen.at(-1)
    assert.ok(seen)
    stream.close(8)
    assert.equal(await originOf(host).settled(seen), 'aborted')
    assert.equal((await ask(session, { ':path': '/fine' })).body, 'fine')
    session.close()
    const row = await stage.exchange(`/reset-${host}`)
    assert.deepEqual([row['state'], row['error']], ['aborted', 'client_aborted'])
  })

  test(`an HTTP/${version} origin that breaks off resets the stream`, async () => {
    answerAll((seen, response) => {
      if (seen.url === '/fine') return void response.end('fine')
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write('data: 1\n\n', () =>
        response.stream === undefined ? response.destroy() : response.stream.close(2),
      )
    })
    const session = await stage.http2(host)
    const stream = session.request({ ':path': `/broken-${host}` })
    stream.resume()
    await once(stream, 'error')
    const row = await stage.exchange(`/broken-${host}`)
    assert.deepEqual([row['state'], row['error']], ['aborted', 'upstream_closed'])
    assert.equal((await ask(session, { ':path': '/fine' })).body, 'fine')
    session.close()
  })
}

test('trailers and te pass through HTTP/2, as gRPC needs them', async () => {
  answerAll((seen, response) => {
    response.writeHead(200, { 'content-type': 'application/grpc' })
    response.addTrailers({ 'grpc-status': '0', 'x-te': seen.header('te') ?? 'none' })
    response.end(seen.body)
  })
  const session = await stage.http2('two.test')
  const stream = session.request({
    ':method': 'POST',
    ':path': '/grpc',
    te: 'trailers',
    'content-type': 'application/grpc',
  })
  const trailers = once(stream, 'trailers') as Promise<[IncomingHttpHeaders]>
  const body = collected(stream)
  stream.end(Buffer.from([0, 0, 0, 0, 1, 7]))
  assert.deepEqual(Buffer.from(await body, 'latin1'), Buffer.from([0, 0, 0, 0, 1, 7]))
  const [sent] = await trailers
  assert.deepEqual([sent['grpc-status'], sent['x-te']], ['0', 'trailers'])
  session.close()
})

for (const type of ['image/png', 'text/plain']) {
  for (const host of ['two.test', 'one.test']) {
    test(`trailers of an HTTP/2 request (${type}) reach ${host}, and a request without any ends too`, async () => {
      answerAll((seen, response) => void response.end(`${seen.text()} ${seen.trailers.join('=')}`))
      const session = await stage.http2(host)
      for (const trailers of [{ 'x-sum': 'abc' }, undefined]) {
        const head = { ':method': 'POST', ':path': '/trailers', 'content-type': type }
        const stream = session.request(head, { waitForTrailers: trailers !== undefined })
        if (trailers !== undefined) stream.once('wantTrailers', () => stream.sendTrailers(trailers))
        stream.end('hello')
        assert.equal((await collected(stream)).toLowerCase(), trailers === undefined ? 'hello ' : 'hello x-sum=abc')
      }
      session.close()
    })
  }
}

test('another :authority is 421 on that stream', async () => {
  answerAll((_seen, response) => void response.end('fine'))
  const session = await stage.http2('two.test')
  assert.equal((await ask(session, { ':path': '/mis', ':authority': 'one.test' })).headers[':status'], 421)
  assert.equal((await ask(session, { ':path': '/mis', ':authority': 'two.test:443' })).body, 'fine')
  session.close()
  assert.equal((await stage.exchange('/mis'))['error'], 'misdirected_request')
})

test('CONNECT inside an HTTP/2 connection is 405, with a row', async () => {
  const session = await stage.http2('two.test')
  const stream = session.request({ ':method': 'CONNECT', ':authority': 'a.test:443' })
  const [headers] = (await once(stream, 'response')) as [IncomingHttpHeaders]
  assert.equal(headers[':status'], 405)
  stream.close()
  session.close()
  const row = await stage.row('exchanges', (one) => one['method'] === 'CONNECT')
  assert.deepEqual([row['status'], row['error'], row['host']], [405, 'connect_in_tunnel', 'two.test'])
  assert.equal(row['http_version'], '2')
})

test('the row of a request that is refused before it is one has its version', async () => {
  const session = await stage.http2('two.test')
  const stream = session.request({ ':path': '/contradicts', ':authority': 'two.test', host: 'b.test' })
  await once(stream, 'error')
  session.close()
  const row = await stage.exchange('/contradicts')
  assert.deepEqual([row['error'], row['http_version']], ['malformed_request', '2'])
})

async function ask(
  session: ClientHttp2Session,
  headers: Record<string, string | string[]>,
  body?: string,
): Promise<{ headers: IncomingHttpHeaders; body: string }> {
  const stream = session.request(headers)
  const [[answer], text] = await Promise.all([
    once(stream, 'response') as Promise<[IncomingHttpHeaders]>,
    collected(stream),
    stream.end(body),
  ])
  return { headers: answer, body: text }
}

async function collected(stream: ClientHttp2Stream): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('latin1')
}
