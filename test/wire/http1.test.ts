import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { brotliCompressSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { startStage, type Stage } from '../support/stage.ts'

const host = 'api.openai.com'
let stage: Stage

before(async () => {
  stage = await startStage((_seen, response) => void response.end('ok'), {
    hosts: [host],
    origin: { alpn: ['http/1.1'] },
    config: { limits: { inspectBytes: 100_000 } },
  })
})

after(() => stage[Symbol.asyncDispose]())

test('header fields keep their order, case and duplicates both ways, and hop-by-hop fields are dropped', async () => {
  stage.origin.answer((_seen, response) => {
    response.sendDate = false
    const fields = `X-Zeta:1 set-Cookie:a=1 SET-cookie:b=2 X-alpha:caf\u00e9 x-hop:gone Alt-Svc:h3=":443" Content-Length:2 Connection:x-hop`
    response.writeHead(
      200,
      'Very Good',
      fields.split(' ').flatMap((one) => [one.slice(0, one.indexOf(':')), one.slice(one.indexOf(':') + 1)]),
    )
    // A Buffer: before a string Node writes the header section as UTF-8.
    response.end(Buffer.from('ok'))
  })
  const client = await stage.connect(host)
  client.send(
    'GET /headers?key=abc HTTP/1.1\r\nX-Second: 2\r\nhOST: api.openai.com\r\nx-dup: one\r\nX-First: caf\xe9\r\nX-Empty:\r\nX-Dup: two\r\n' +
      'Connection: keep-alive, X-Named\r\nX-Named: gone\r\nProxy-Connection: keep-alive\r\nProxy-Authorization: Basic eA==\r\nTE: trailers\r\n\r\n',
  )
  const answer = await client.answer()
  const seen = stage.origin.seen.at(-1)
  const own = ['X-Second', '2', 'hOST', host, 'x-dup', 'one', 'X-First', 'caf\xe9', 'X-Empty', '', 'X-Dup', 'two']
  // What the hop adds: the client takes trailers.
  assert.deepEqual(seen?.headers, [...own, 'TE', 'trailers', 'Connection', 'TE'])
  assert.equal(seen?.url, '/headers?key=abc')
  assert.deepEqual(answer.head.split('\r\n'), [
    'HTTP/1.1 200 Very Good',
    'X-Zeta: 1',
    'set-Cookie: a=1',
    'SET-cookie: b=2',
    'X-alpha: caf\xe9',
    'Content-Length: 2',
    // The hop's own.
    'Connection: keep-alive',
    'Keep-Alive: timeout=120',
    '',
    '',
  ])
  client.close()
  assert.equal((await stage.exchange('/headers?key=***'))['status'], 200)
})

const bodiless: [method: string, status: number][] = [
  ['HEAD', 200],
  ['GET', 204],
  ['GET', 304],
]

for (const [method, status] of bodiless) {
  test(`${method} with ${status} has no body, and the connection goes on`, async () => {
    stage.origin.answer((seen, response) => {
      if (seen.url === '/next') return void response.end('next')
      response.writeHead(status, status === 204 ? {} : { 'Content-Length': '5', ETag: '"x"' })
      response.end()
    })
    const client = await stage.connect(host)
    client.send(`${method} /none HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
    const answer = await client.answer({ bodiless: true })
    assert.equal(answer.status, status)
    assert.equal(answer.header('content-length'), status === 204 ? undefined : '5')
    assert.equal(answer.header('transfer-encoding'), undefined)
    client.send(`GET /next HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
    assert.equal((await client.answer()).body, 'next')
    client.close()
  })
}

test('pipelined requests are answered in order', async () => {
  stage.origin.answer((seen, response) => void setImmediate(() => response.end(seen.url)))
  const client = await stage.connect(host)
  client.send([1, 2, 3].map((n) => `GET /p${n} HTTP/1.1\r\nHost: ${host}\r\n\r\n`).join(''))
  for (const n of [1, 2, 3]) assert.equal((await client.answer()).body, `/p${n}`)
  client.close()
})

test('early hints of the origin reach the client before the answer', async () => {
  let release = (): void => {}
  const hinted = new Promise<void>((resolve) => (release = resolve))
  stage.origin.answer(async (_seen, response) => {
    response.writeEarlyHints({ link: '</style.css>; rel=preload' })
    await hinted
    response.end('late')
  })
  const client = await stage.connect(host)
  client.send(`GET /hints HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
  const hint = await client.until('\r\n\r\n')
  assert.match(hint, /^HTTP\/1\.1 103 /)
  assert.match(hint, /link: <\/style\.css>; rel=preload/i)
  release()
  assert.equal((await client.answer()).body, 'late')
  client.close()
})

test('trailers of an answer pass', async () => {
  stage.origin.answer((_seen, response) => {
    response.writeHead(200, { 'content-type': 'application/octet-stream', trailer: 'X-Sum' })
    response.write('abc')
    response.addTrailers({ 'X-Sum': 'abc' })
    response.end()
  })
  const client = await stage.connect(host)
  client.send(`GET /trailers HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
  await client.until('\r\n\r\n')
  assert.equal(await client.until('\r\n0\r\n'), '3\r\nabc\r\n0\r\n')
  const trailers = await client.until('\r\n\r\n')
  assert.match(trailers, /^X-Sum: abc\r\n\r\n$/i)
  client.close()
})

const refusals: [what: string, request: string, status: number, recorded: boolean][] = [
  [
    'Content-Length with Transfer-Encoding',
    'POST /r1 HTTP/1.1\r\nHost: api.openai.com\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    400,
    true,
  ],
  [
    'two lengths',
    'POST /r2 HTTP/1.1\r\nHost: api.openai.com\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc',
    400,
    true,
  ],
  ['two Hosts', 'GET /r3 HTTP/1.1\r\nHost: api.openai.com\r\nHost: b\r\n\r\n', 400, true],
  ['white space before the colon', 'GET /r4 HTTP/1.1\r\nHost : api.openai.com\r\n\r\n', 400, true],
  ['obs-fold', 'GET /r5 HTTP/1.1\r\nHost: api.openai.com\r\nX: a\r\n b\r\n\r\n', 400, true],
  ['a bare CR', 'GET /r6 HTTP/1.1\r\nHost: api.openai.com\r\nX: a\rb\r\n\r\n', 400, true],
  [
    'another coding than chunked',
    'POST /r7 HTTP/1.1\r\nHost: api.openai.com\r\nTransfer-Encoding: gzip\r\n\r\n',
    400,
    true,
  ],
  [
    'a header section that is too large',
    `GET /r8 HTTP/1.1\r\nHost: api.openai.com\r\nX: ${'x'.repeat(70_000)}\r\n\r\n`,
    431,
    true,
  ],
  ['another HTTP version', 'GET /r9 HTTP/3.0\r\nHost: api.openai.com\r\n\r\n', 505, true],
  ['no HTTP at all', '\x00\x01\x02\x03 nonsense\r\n\r\n', 400, false],
]

for (const [what, request, status, recorded] of refusals) {
  test(`a request with ${what} is refused with ${status} and the connection ends`, async () => {
    const before = stage.origin.seen.length
    const client = await stage.connect(host)
    client.send(request)
    const answer = await client.answer()
    assert.equal(answer.status, status)
    assert.notEqual(answer.header('sallyport-error'), undefined)
    await client.rest()
    assert.equal(stage.origin.seen.length, before)
    if (!recorded) {
      const row = await stage.row('connections', (one) => one['error'] === answer.header('sallyport-error'))
      return assert.equal(row['handling'], 'inspect')
    }
    const row = await stage.exchange(/\/r\d/.exec(request)?.[0] ?? '')
    assert.deepEqual([row['decision'], row['status'], row['state']], ['error', status, 'done'])
  })
}

test('another host in Host, or in an absolute target, is 421 on that exchange, and the connection lives', async () => {
  stage.origin.answer((_seen, response) => void response.end('fine'))
  const client = await stage.connect(host)
  client.send('GET /misdirected HTTP/1.1\r\nHost: api.anthropic.com\r\n\r\n')
  assert.equal((await client.answer()).status, 421)
  client.send('GET https://api.anthropic.com/misdirected2 HTTP/1.1\r\nHost: api.anthropic.com\r\n\r\n')
  assert.equal((await client.answer()).status, 421)
  client.send(`GET /misdirected3 HTTP/1.1\r\nHost: ${host}:8443\r\n\r\n`)
  assert.equal((await client.answer()).status, 421)
  client.send(`GET https://${host}/fits HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
  assert.equal((await client.answer()).body, 'fine')
  client.close()
  const row = await stage.exchange('/misdirected')
  assert.deepEqual(
    [row['host'], row['decision'], row['error'], row['status']],
    [host, 'error', 'misdirected_request', 421],
  )
})

const chat = (content: string) => JSON.stringify({ model: 'gpt-5.1', messages: [{ role: 'user', content }] })
const codings: [name: string, encode: (bytes: Buffer) => Buffer][] = [
  ['identity', (bytes) => bytes],
  ['gzip', (bytes) => gzipSync(bytes)],
  ['br', (bytes) => brotliCompressSync(bytes)],
  ['zstd', (bytes) => zstdCompressSync(bytes)],
]
const secret = 'AKIAZK3QXW5TN7RBJ2VD'

for (const [name, encode] of codings) {
  const field = name === 'identity' ? '' : `Content-Encoding: ${name}\r\n`
  const post = (path: string, body: Buffer) =>
    Buffer.concat([
      Buffer.from(
        `POST ${path} HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\n${field}Content-Length: ${body.length}\r\n\r\n`,
      ),
      body,
    ])

  test(`a ${name} body that nobody changes passes byte for byte, both ways`, async () => {
    const sent = encode(Buffer.from(chat(`hello  \\u00e9 ${name}`)))
    const said = encode(Buffer.from('{"choices":[{"message":{"role":"assistant","content":"h\\u0069"} } ]}'))
    stage.origin.answer((_seen, response) => {
      response.writeHead(200, {
        'Content-Type': 'application/json',
        ...(field === '' ? {} : { 'Content-Encoding': name }),
        'Content-Length': said.length,
      })
      response.end(said)
    })
    const client = await stage.connect(host)
    client.send(post('/v1/chat/completions', sent))
    const answer = await client.answer()
    assert.equal(answer.body, said.toString('latin1'))
    assert.equal(answer.header('content-encoding'), field === '' ? undefined : name)
    assert.deepEqual(stage.origin.seen.at(-1)?.body, sent)
    assert.equal(stage.origin.seen.at(-1)?.header('content-encoding'), field === '' ? undefined : name)
    client.close()
  })

  test(`a ${name} body that policy changes has the right length and no coding, and the answer is restored`, async () => {
    stage.origin.answer((seen, response) => {
      const content = (seen.json() as { messages: { content: string }[] }).messages[0]?.content
      const body = encode(Buffer.from(JSON.stringify({ choices: [{ message: { role: 'assistant', content } }] })))
      response.writeHead(200, {
        'Content-Type': 'application/json',
        ...(field === '' ? {} : { 'Content-Encoding': name }),
        'Content-Length': body.length,
      })
      response.end(body)
    })
    const client = await stage.connect(host)
    client.send(post('/v1/chat/completions', encode(Buffer.from(chat(`key ${secret}.`)))))
    const answer = await client.answer()
    const seen = stage.origin.seen.at(-1)
    assert.ok(!seen?.text().includes(secret))
    assert.equal(seen?.header('content-encoding'), undefined)
    assert.equal(seen?.header('content-length'), String(seen?.body.length))
    assert.equal(answer.header('content-encoding'), undefined)
    assert.equal(answer.header('content-length'), String(answer.body.length))
    assert.equal(answer.body, `{"choices":[{"message":{"role":"assistant","content":"key ${secret}."}}]}`)
    client.close()
  })
}

const unreadable: [
  what: string,
  path: string,
  coding: string,
  body: string,
  status: number,
  code: string,
  error: string,
][] = [
  [
    'a body that is not what its coding says',
    '/v1/chat/completions',
    'gzip',
    chat('x'),
    400,
    'unreadable_body',
    'unreadable_body',
  ],
  [
    'a body in an unknown coding',
    '/v1/chat/completions',
    'rot13',
    chat('x'),
    400,
    'unreadable_body',
    'unreadable_body',
  ],
  [
    'a body that is too large',
    '/v1/chat/completions',
    'identity',
    chat('x'.repeat(100_001)),
    413,
    'sallyport_too_large',
    'sallyport_too_large',
  ],
]

for (const [what, path, coding, body, status, code, error] of unreadable) {
  test(`${what} is refused with ${status} in the dialect, and recorded`, async () => {
    const before = stage.origin.seen.length
    const client = await stage.connect(host)
    client.send(
      `POST ${path}?case=${what.length} HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\nContent-Encoding: ${coding}\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    )
    const answer = await client.answer()
    assert.deepEqual([answer.status, answer.header('sallyport-decision')], [status, 'block'])
    assert.equal((JSON.parse(answer.body) as { error: { code: string } }).error.code, code)
    client.close()
    const id = answer.header('sallyport-exchange')
    const row = await stage.row('exchanges', (one) => one['id'] === id)
    assert.deepEqual([row['decision'], row['error'], row['status'], row['state']], ['block', error, status, 'done'])
    assert.equal(stage.origin.seen.length, before)
  })
}
