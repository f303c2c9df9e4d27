import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { ClientHttp2Session, ClientHttp2Stream, IncomingHttpHeaders } from 'node:http2'
import { after, before, test } from 'node:test'
import { testAuthority } from '../support/authority.ts'
import { startOrigin, type Origin, type OriginHandler, type OriginResponse } from '../support/origin.ts'
import { canMeasure, growth } from '../support/resident.ts'
import { startStage, type Stage } from '../support/stage.ts'

// `two.test` speaks HTTP/2, `only.test` nothing else, `one.test` only HTTP/1.1. All answer before a request has ended.
const authority = testAuthority()
let stage: Stage
let one: Origin
let only: Origin

before(async () => {
  const early = { authority, early: true } as const
  one = await startOrigin(() => {}, { ...early, names: ['one.test'], alpn: ['http/1.1'] })
  only = await startOrigin(() => {}, { ...early, names: ['only.test'], alpn: ['h2'] })
  stage = await startStage(() => {}, {
    authority,
    hosts: ['two.test'],
    origin: { early: true },
    origins: { 'one.test:443': one, 'only.test:443': only },
    policies: { 'a.yaml': { intercept: [{ hosts: ['*.test'], action: 'inspect' }] } },
  })
})

after(async () => {
  await stage[Symbol.asyncDispose]()
  await Promise.all([one.close(), only.close()])
})

const answerAll = (handler: OriginHandler): void => {
  for (const origin of [stage.origin, one, only]) origin.answer(handler)
}

const upload = (path: string): Record<string, string> => ({
  ':method': 'POST',
  ':path': path,
  'content-type': 'audio/wav',
})

for (const host of ['two.test', 'one.test']) {
  test(`each piece is answered by ${host} before the next is sent`, async () => {
    answerAll((_seen, response, request) => {
      response.writeHead(200, { 'content-type': 'audio/wav' })
      request.on('data', (chunk: Buffer) => void response.write(chunk.toString().toUpperCase()))
      request.on('end', () => void response.end('.'))
    })
    const session = await stage.http2(host)
    const stream = session.request(upload('/pieces'))
    for (const piece of ['one', 'two', 'three']) {
      stream.write(piece)
      const [got] = (await once(stream, 'data')) as [Buffer]
      assert.equal(got.toString(), piece.toUpperCase())
    }
    stream.end()
    assert.equal((await once(stream, 'data'))[0].toString(), '.')
    await once(stream, 'end')
    session.close()
  })

  test(`a final answer of ${host} before the end of a request comes whole, and the rest of it is not wanted`, async () => {
    answerAll((_seen, response) => {
      response.writeHead(413, { 'content-type': 'text/plain' })
      response.end('too large')
    })
    const session = await stage.http2(host)
    const stream = session.request(upload('/early'))
    stream.on('error', () => undefined).write('a beginning')
    const closed = new Promise((resolve) => stream.once('close', resolve))
    const [head] = (await once(stream, 'response')) as [IncomingHttpHeaders]
    assert.deepEqual([head[':status'], await textOf(stream)], [413, 'too large'])
    await closed
    assert.equal(stream.rstCode, 0)
    assert.equal(
      (await stage.row('exchanges', (row) => row['host'] === host && row['path'] === '/early'))['status'],
      413,
    )
    answerAll((_seen, response) => void response.end('fine'))
    assert.equal(await textOf(session.request({ ':path': '/fine' })), 'fine')
    session.close()
  })

  test(`informational answers of ${host} pass in their order`, async () => {
    answerAll((_seen, response) => void informs(response))
    const session = await stage.http2(host)
    const stream = session.request({ ':path': '/informs' })
    const told: unknown[] = []
    stream.on('headers', (headers: IncomingHttpHeaders) => told.push([headers[':status'], headers['link']]))
    assert.equal(await textOf(stream), 'done')
    assert.deepEqual(told, [
      [102, undefined],
      [103, '</a>'],
      [103, '</b>'],
    ])
    session.close()
  })
}

test('informational answers of HTTP/2 reach an HTTP/1.1 client', async () => {
  answerAll((_seen, response) => void informs(response))
  const client = await stage.connect('only.test')
  client.send('GET /informs HTTP/1.1\r\nHost: only.test\r\n\r\n')
  for (const status of ['102', '103', '103'])
    assert.ok((await client.until('\r\n\r\n')).startsWith(`HTTP/1.1 ${status} `))
  assert.equal((await client.answer()).body, 'done')
  client.close()
})

test('a final answer of an HTTP/2 origin before the end of a request comes whole to an HTTP/1.1 client', async () => {
  answerAll((_seen, response) => {
    response.writeHead(413, { 'content-type': 'text/plain' })
    response.end('too large')
  })
  const client = await stage.connect('only.test')
  client.send(
    'POST /early1 HTTP/1.1\r\nHost: only.test\r\nContent-Type: audio/wav\r\nContent-Length: 1000000\r\n\r\nabc',
  )
  const { status, body } = await client.answer()
  assert.deepEqual([status, body], [413, 'too large'])
  client.close()
})

test('a request of HTTP/1.1 is one of HTTP/2 to an origin that has nothing else', async () => {
  answerAll((seen, response) => {
    response.writeHead(Number(seen.url.slice(1)), { 'x-a': '1', 'set-cookie': ['a', 'b'] })
    if (seen.url === '/200') response.addTrailers({ 'x-sum': 'abc' })
    response.end(seen.method === 'GET' && seen.url === '/200' ? 'hello' : undefined)
  })
  const client = await stage.connect('only.test')
  const fields =
    'Host: only.test\r\nX-A: 1\r\nTE: trailers, gzip\r\nConnection: x-hop\r\nX-Hop: 1\r\nCookie: a=1; b=2\r\n'
  client.send(`GET /200 HTTP/1.1\r\n${fields}\r\n`)
  const got = await client.until('x-sum: abc\r\n\r\n')
  assert.match(got, /^HTTP\/1\.1 200 .*\r\nx-a: 1\r\nset-cookie: a\r\nset-cookie: b\r\n/s)
  const seen = only.seen.at(-1)
  assert.deepEqual(
    ['version', ':authority', 'host', 'x-a', 'connection', 'x-hop', 'cookie', 'transfer-encoding'].map((name) =>
      name === 'version' ? seen?.version : seen?.header(name),
    ),
    ['2', 'only.test', undefined, '1', undefined, undefined, 'a=1; b=2', undefined],
  )
  for (const [method, path] of [
    ['HEAD', '/200'],
    ['GET', '/204'],
    ['GET', '/304'],
  ] as const) {
    client.send(`${method} ${path} HTTP/1.1\r\nHost: only.test\r\n\r\n`)
    const { status, body } = await client.answer({ bodiless: true })
    assert.deepEqual([`/${status}`, body], [path, ''])
  }
  client.close()
})

test('an answer of our own to HEAD over HTTP/2 has no body', async () => {
  const session = await stage.http2('two.test')
  const stream = session.request({ ':method': 'HEAD', ':path': '/', ':authority': 'other.test' })
  const [head] = (await once(stream, 'response')) as [IncomingHttpHeaders]
  assert.deepEqual([head[':status'], await textOf(stream)], [421, ''])
  session.close()
})

test('421 of the origin is the client’s to act on', async () => {
  answerAll((_seen, response) => void response.writeHead(421).end('elsewhere'))
  const session = await stage.http2('two.test')
  const stream = session.request({ ':path': '/elsewhere' })
  const [head] = (await once(stream, 'response')) as [IncomingHttpHeaders]
  assert.deepEqual([head[':status'], await textOf(stream)], [421, 'elsewhere'])
  session.close()
})

test('a code that the origin resets with reaches the client', async () => {
  answerAll((_seen, response) => {
    response.writeHead(200, { 'content-type': 'audio/wav' })
    response.write('abc', () => response.stream?.close(11))
  })
  const session = await stage.http2('two.test')
  const stream = session.request({ ':path': '/code' })
  stream.on('error', () => undefined).resume()
  await new Promise((resolve) => stream.once('close', resolve))
  assert.equal(stream.rstCode, 11)
  session.close()
})

test('100 MB go each way through windows of 64 KB, and memory stays flat', async () => {
  const size = 100_000_000
  const piece = Buffer.alloc(50_000)
  answerAll((_seen, response, request) => {
    let got = 0
    // The origin of the tests keeps what it gets.
    request.removeAllListeners('data')
    request.on('data', (chunk: Buffer) => (got += chunk.length))
    request.on('end', () => {
      response.writeHead(200, { 'content-type': 'audio/wav', 'x-got': String(got) })
      void pour(response, piece, size)
    })
  })
  const session = await stage.http2('two.test')
  const grown = await growth(stage.sallyport.child.pid as number, async () => {
    const stream = session.request(upload('/100'))
    const answered = once(stream, 'response') as Promise<[IncomingHttpHeaders]>
    await pour(stream, piece, size)
    assert.equal((await answered)[0]['x-got'], String(size))
    let got = 0
    for await (const chunk of stream) got += (chunk as Buffer).length
    assert.equal(got, size)
  })
  if (canMeasure) assert.ok(grown < 100, `${grown} MB more`)
  session.close()
})

test('a stream that nobody reads does not hold up the others, nor grow', async () => {
  const piece = Buffer.alloc(50_000)
  answerAll((seen, response) => {
    if (seen.url === '/fine') return void response.end('fine')
    response.writeHead(200, { 'content-type': 'audio/wav' })
    void pour(response, piece, 1_000_000_000).catch(() => undefined)
  })
  const session = await stage.http2('two.test')
  const unread = Array.from({ length: 10 }, () => session.request({ ':path': '/unread' }))
  await Promise.all(unread.map((stream) => once(stream, 'response')))
  for (let i = 0; i < 50; i += 1) assert.equal(await textOf(session.request({ ':path': '/fine' })), 'fine')
  for (const stream of unread) stream.close(8)
  await closed(session)
})

test('a client that never opens its window is given up after a while, and its other streams go on', async () => {
  await using short = await startStage(
    (seen, response) => void (seen.url === '/fine' ? response.end('') : response.end(Buffer.alloc(200_000))),
    {
      hosts: ['two.test'],
      policies: { 'a.yaml': { intercept: [{ hosts: ['*.test'], action: 'inspect' }] } },
      config: { upstream: { idleTimeoutMs: 500 } },
    },
  )
  const session = await short.http2('two.test')
  session.settings({ initialWindowSize: 0 })
  await once(session, 'localSettings')
  const stream = session.request({ ':path': '/stalled' })
  const ended = new Promise((resolve) => stream.on('error', () => undefined).once('close', resolve))
  await once(stream, 'response')
  await ended
  assert.equal(stream.rstCode, 8)
  assert.match(String((await short.exchange('/stalled'))['error']), /^client_aborted; not_inspected/)
  assert.equal(await textOf(session.request({ ':path': '/fine' })), '')
  session.close()
})

function closed(session: ClientHttp2Session): Promise<void> {
  return new Promise((resolve) => session.close(resolve))
}

async function informs(response: OriginResponse): Promise<void> {
  if (response.stream === undefined) response.writeProcessing()
  else response.stream.additionalHeaders({ ':status': 102 })
  response.writeEarlyHints({ link: '</a>' })
  response.writeEarlyHints({ link: '</b>' })
  response.end('done')
}

async function pour(into: ClientHttp2Stream | OriginResponse, piece: Buffer, size: number): Promise<void> {
  for (let sent = 0; sent < size && !into.destroyed; sent += piece.length) {
    if (into.write(piece)) continue
    await new Promise<void>((resolve) => {
      const go = (): void => {
        into.off('drain', go).off('close', go)
        resolve()
      }
      into.on('drain', go).on('close', go)
    })
  }
  into.end()
}

/** All that comes; by its events, because Node's iterator fails on a reset that follows the whole answer. */
function textOf(stream: ClientHttp2Stream): Promise<string> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    stream.on('data', (chunk: Buffer) => chunks.push(chunk))
    stream.once('end', () => resolve(Buffer.concat(chunks).toString()))
  })
}
