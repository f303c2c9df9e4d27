import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { startStage, type Stage } from '../support/stage.ts'

const secret = 'AKIAZK3QXW5TN7RBJ2VD'
let stage: Stage

before(async () => {
  stage = await startStage(
    (seen, response) => {
      const body = Buffer.from(JSON.stringify({ trailers: seen.trailers, said: seen.text() }))
      response.writeHead(200, { 'Content-Type': 'application/json', Trailer: 'X-Sum' })
      response.write(body)
      response.addTrailers({ 'X-Sum': 'abc' })
      response.end()
    },
    {
      hosts: ['a.test'],
      origin: { alpn: ['http/1.1'] },
      policies: {
        'a.yaml': {
          intercept: [{ hosts: ['*.test'], action: 'inspect' }],
          rules: [{ name: 'keys', on: 'both', hook: 'secrets', action: 'redact' }],
        },
      },
    },
  )
})

after(() => stage[Symbol.asyncDispose]())

for (const [what, text, type] of [
  ['read and unchanged', 'hello', 'text/plain'],
  ['changed', `key ${secret}`, 'text/plain'],
  ['not read', 'hello', 'image/png'],
] as const) {
  test(`trailers pass both ways with a body that is ${what}`, async () => {
    const client = await stage.connect('a.test')
    client.send(
      `POST /t HTTP/1.1\r\nHost: a.test\r\nContent-Type: ${type}\r\nTrailer: X-In\r\nTransfer-Encoding: chunked\r\n\r\n${text.length.toString(16)}\r\n${text}\r\n0\r\nX-In: 1\r\n\r\n`,
    )
    await client.until('\r\n\r\n')
    const body = await client.until('\r\n0\r\n')
    const trailers = await client.until('\r\n\r\n')
    client.close()
    assert.match(body, /"X-In","1"/)
    assert.match(trailers, /^X-Sum: abc\r\n\r\n$/i)
    assert.ok(!body.includes(secret))
  })
}

test('trailers of an HTTP/2 request that would route or authenticate it do not reach an HTTP/1.1 origin', async () => {
  const session = await stage.http2('a.test')
  const stream = session.request({ ':method': 'POST', ':path': '/h2' }, { waitForTrailers: true })
  const trailers = { 'x-in': '1', authorization: 'Bearer x', host: 'b.test', cookie: 'a=b', 'x-forwarded-for': '::1' }
  stream.once('wantTrailers', () => stream.sendTrailers(trailers))
  stream.end('hello')
  const answer = Buffer.concat(await Array.fromAsync(stream as AsyncIterable<Buffer>)).toString()
  assert.deepEqual(JSON.parse(answer), { trailers: ['x-in', '1'], said: 'hello' })
  session.destroy()
})
