import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { IncomingHttpHeaders } from 'node:http2'
import { after, before, test } from 'node:test'
import { startOrigin, type Origin } from '../support/origin.ts'
import { startStage, type Stage } from '../support/stage.ts'

const host = 'api.openai.com'
const cookies = Array.from(
  { length: 20 },
  (_, i) => `c${i}=${i}, with a comma; Path=/; Expires=Wed, 21 Oct 2037 07:28:00 GMT`,
)
let stage: Stage
let plain: Origin

before(async () => {
  plain = await startOrigin((_seen, response) => {
    response.writeHead(200, { 'alt-svc': 'h3=":443"', 'set-cookie': cookies })
    response.end('plain')
  })
  stage = await startStage(
    (seen, response) => {
      response.writeHead(200, { 'alt-svc': 'h3=":443"', 'set-cookie': cookies })
      response.end(seen.body)
    },
    {
      hosts: [host],
      origins: { 'unread.test:80': plain },
      policies: {
        'a.yaml': {
          intercept: [
            { hosts: [host], action: 'inspect' },
            { hosts: ['*'], action: 'tunnel' },
          ],
          rules: [{ name: 'keys', on: 'request', hook: 'secrets', action: 'redact' }],
        },
      },
    },
  )
})

after(async () => {
  await stage[Symbol.asyncDispose]()
  await plain.close()
})

const cookiesIn = (head: string): string[] =>
  [...head.matchAll(/^set-cookie: ?(.*)\r$/gim)].map(([, value]) => value as string)

test('twenty cookies reach a client of HTTP/1.1 as they are and in order, and Alt-Svc does not', async () => {
  const client = await stage.connect(host)
  client.send(`GET /cookies HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
  const answer = await client.answer()
  assert.deepEqual([answer.status, cookiesIn(answer.head), answer.header('alt-svc')], [200, cookies, undefined])
  client.close()
})

test('twenty cookies reach a client of HTTP/2 as they are and in order, and Alt-Svc does not', async () => {
  const session = await stage.http2(host)
  const stream = session.request({ ':path': '/cookies' })
  const [headers] = (await once(stream, 'response')) as [IncomingHttpHeaders]
  assert.deepEqual([headers[':status'], headers['set-cookie'], headers['alt-svc']], [200, cookies, undefined])
  stream.resume()
  await once(stream, 'close')
  session.close()
})

test('twenty cookies and no Alt-Svc reach a client of plain HTTP that is not read', async () => {
  const client = await stage.raw()
  client.send('GET http://unread.test/cookies HTTP/1.1\r\nHost: unread.test\r\n\r\n')
  const answer = await client.answer()
  assert.deepEqual([answer.status, answer.body], [200, 'plain'])
  assert.deepEqual([cookiesIn(answer.head), answer.header('alt-svc')], [cookies, undefined])
  client.close()
})

for (const [size, type] of [
  [65_536, 'application/json'],
  [1_048_576, 'application/json'],
  [65_536, 'application/octet-stream'],
  [1_048_576, 'application/octet-stream'],
] as const)
  test(`twenty bodies of ${size} bytes as ${type} arrive whole on one connection, and come back whole`, async () => {
    const client = await stage.connect(host)
    for (let i = 0; i < 20; i += 1) {
      const body = Buffer.from(JSON.stringify({ i, text: randomBytes(size / 2 - 20).toString('hex') }).padEnd(size))
      client.send(
        `POST /whole HTTP/1.1\r\nHost: ${host}\r\nContent-Type: ${type}\r\nContent-Length: ${body.length}\r\n\r\n`,
      )
      client.send(body)
      const answer = await client.answer()
      assert.equal(answer.status, 200)
      assert.ok(Buffer.from(answer.body, 'latin1').equals(body), `body ${i}`)
    }
    client.close()
  })
