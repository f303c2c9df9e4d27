import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { after, before, beforeEach, test } from 'node:test'
import type { Answer } from '../../src/core/http.ts'
import { bytesBody, collect } from '../../src/http/body.ts'
import type { Incoming } from '../../src/http/incoming.ts'
import { http1Server } from '../../src/http/serve1.ts'
import { rawClient } from '../support/raw-client.ts'

let server: Server
let port: number
let running = 0
let most = 0
let seen: string[] = []
let refused: [code: string, target: string | undefined, cause: boolean][] = []
let handle: (incoming: Incoming<string>) => Promise<void>

before(async () => {
  const served = http1Server<string>(
    {
      exchange: async (incoming) => {
        running += 1
        most = Math.max(most, running)
        seen.push(incoming.target)
        await handle(incoming).finally(() => (running -= 1))
      },
      upgrade: async () => undefined,
      connect: (_context, request, socket) => {
        seen.push(`CONNECT ${request.target}`)
        socket.end('connected')
      },
      refused: (_context, fault, request, cause) =>
        void refused.push([fault.code, request?.target, cause !== undefined]),
    },
    { headerBytes: 16_384, headersTimeoutMs: 60_000, keepAliveTimeoutMs: 60_000, streams: 100 },
  )
  server = createServer((socket) => served.serve(socket, 'context')).listen(0, '127.0.0.1')
  await once(server, 'listening')
  ;({ port } = server.address() as AddressInfo)
})

after(() => server.close())

beforeEach(() => {
  seen = []
  refused = []
  most = 0
  handle = async (incoming) => {
    // Whoever is sooner ready must not be answered sooner.
    await new Promise((resolve) => setTimeout(resolve, incoming.target.endsWith('0') ? 5 : 0))
    await incoming.send(answerOf(incoming.target))
  }
})

const answerOf = (text: string, status = 200): Answer => ({
  head: { status, reason: 'OK', headers: ['content-length', String(text.length)], version: '1.1' },
  body: bytesBody(Buffer.from(text)),
})

const get = (target: string, more = ''): string => `GET ${target} HTTP/1.1\r\nHost: a\r\n${more}\r\n`

for (const count of [10, 120]) {
  test(`${count} pipelined requests are answered in order, one at a time`, async () => {
    const client = await rawClient(port)
    client.send(Array.from({ length: count }, (_, i) => get(`/${i}`)).join(''))
    for (let i = 0; i < count; i += 1) assert.equal((await client.answer()).body, `/${i}`)
    assert.equal(most, 1)
    client.close()
  })
}

test('two spaces in the rest of a request whose first line came before do not make it malformed', async () => {
  const client = await rawClient(port)
  client.send('GET / HTTP/1.1\r\nHost: a\r\n')
  await new Promise((resolve) => setTimeout(resolve, 50))
  client.send('X-Said: GET  / and /  and so on\r\n\r\n')
  assert.equal((await client.answer()).body, '/')
  client.close()
})

test('of very many pipelined requests the first are answered, then comes a refusal, and the rest is no request', async () => {
  const client = await rawClient(port)
  client.send(Array.from({ length: 1_000 }, (_, i) => get(`/${i}`)).join(''))
  let answered = 0
  for (let answer = await client.answer(); answer.status === 200; answer = await client.answer()) {
    assert.equal(answer.body, `/${answered}`)
    answered += 1
  }
  assert.equal(await client.rest(), '')
  assert.deepEqual([answered, seen.length, refused], [129, 129, [['overloaded', undefined, false]]])
})

test('an error in the middle closes after its own answer, and what is behind it is no request', async () => {
  const client = await rawClient(port)
  client.send(`${get('/1')}${get('/2')}GET /bad HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n${get('/3')}${get('/4')}`)
  for (const target of ['/1', '/2']) assert.equal((await client.answer()).body, target)
  assert.equal((await client.answer()).status, 400)
  assert.equal(await client.rest(), '')
  assert.deepEqual([seen, refused], [['/1', '/2'], [['malformed_request', '/bad', false]]])
})

test('what the parser cannot read waits for the answers before it', async () => {
  const client = await rawClient(port)
  client.send(`${get('/10')}nonsense\r\n\r\n${get('/3')}`)
  assert.equal((await client.answer()).body, '/10')
  assert.equal((await client.answer()).status, 400)
  assert.equal(await client.rest(), '')
  assert.deepEqual([seen, refused], [['/10'], [['malformed_request', undefined, false]]])
})

test('an answer that closes is the last', async () => {
  const client = await rawClient(port)
  client.send(`${get('/1', 'Connection: close\r\n')}${get('/2')}`)
  assert.equal((await client.answer()).body, '/1')
  assert.equal(await client.rest(), '')
  assert.deepEqual(seen, ['/1'])
})

test('a body that nobody read is not taken for requests', async () => {
  handle = (incoming) => incoming.send(answerOf('no', 403))
  const client = await rawClient(port)
  const inside = get('/inside')
  client.send(`POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: ${inside.length}\r\n\r\n${inside}${get('/2')}`)
  assert.equal((await client.answer()).status, 403)
  await client.rest()
  assert.ok(!seen.includes('/inside'))
})

test('requests behind a body that is read are requests', async () => {
  handle = async (incoming) => {
    const body = incoming.body === null ? undefined : await collect(incoming.body, 1_000)
    await incoming.send(answerOf(`${incoming.target} ${body?.kind === 'whole' ? body.bytes.toString() : ''}`))
  }
  const client = await rawClient(port)
  client.send(`POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc${get('/2')}`)
  assert.equal((await client.answer()).body, '/1 abc')
  assert.equal((await client.answer()).body, '/2 ')
  client.close()
})

test('a CONNECT waits for the answers before it', async () => {
  const client = await rawClient(port)
  client.send(`${get('/10')}CONNECT b:1 HTTP/1.1\r\nHost: b:1\r\n\r\n`)
  assert.equal((await client.answer()).body, '/10')
  assert.equal(await client.rest(), 'connected')
  assert.deepEqual(seen, ['/10', 'CONNECT b:1'])
})

test('a handler that throws ends its connection with 500, is told, and the others live', async () => {
  handle = async (incoming) => {
    if (incoming.target === '/throws') throw new Error('a fault of ours')
    await incoming.send(answerOf(incoming.target))
  }
  const [failing, other] = [await rawClient(port), await rawClient(port)]
  failing.send(`${get('/1')}${get('/throws')}${get('/2')}`)
  assert.equal((await failing.answer()).body, '/1')
  const { status, header } = await failing.answer()
  assert.deepEqual([status, header('sallyport-error')], [500, 'internal_error'])
  assert.equal(await failing.rest(), '')
  other.send(get('/other'))
  assert.equal((await other.answer()).body, '/other')
  other.close()
  assert.deepEqual([seen, refused], [['/1', '/throws', '/other'], [['internal_error', '/throws', true]]])
})
