import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { after, before, test } from 'node:test'
import type { SallyportError } from '../../src/core/errors.ts'
import type { Answer } from '../../src/core/http.ts'
import { bytesBody, collect } from '../../src/http/body.ts'
import { http1Server } from '../../src/http/serve1.ts'
import { rawClient } from '../support/raw-client.ts'

const refused: (string | undefined)[] = []
let server: Server
let port: number

before(async () => {
  const served = http1Server<string>(
    {
      exchange: async (incoming) => {
        const { body } = incoming
        if (body === null) return incoming.send(ok)
        if (incoming.target === '/passed') {
          const passed = Buffer.concat(await Array.fromAsync(body))
          return incoming.send({ ...ok, body: bytesBody(passed.subarray(0, 2)) })
        }
        const code = await collect(body, 1_000).then(
          () => 200,
          (error: SallyportError) => error.status,
        )
        return incoming.send({ ...ok, head: { ...ok.head, status: code } })
      },
      upgrade: async () => undefined,
      connect: (_context, _request, socket) => void socket.destroy(),
      refused: (_context, fault) => void refused.push(fault.code),
    },
    { headerBytes: 16_384, headersTimeoutMs: 100, bodyStallMs: 400, keepAliveTimeoutMs: 60_000, streams: 100 },
  )
  server = createServer((socket) => served.serve(socket, 'context')).listen(0, '127.0.0.1')
  await once(server, 'listening')
  ;({ port } = server.address() as AddressInfo)
})

after(() => server.close())

const ok: Answer = {
  head: { status: 200, reason: 'OK', headers: ['content-length', '2'], version: '1.1' },
  body: bytesBody(Buffer.from('ok')),
}

for (const [what, text] of [
  ['nothing', ''],
  ['half a head', 'GET / HTTP/1.1\r\nHos'],
] as const) {
  test(`a client that sends ${what} is not waited for without end`, async () => {
    const client = await rawClient(port)
    client.send(text)
    const got = await client.answer()
    assert.deepEqual([got.status, got.header('sallyport-error')], [408, 'request_timeout'])
    await client.rest()
    assert.equal(refused.at(-1), 'request_timeout')
  })
}

test('a connection that waits for its next request is not a slow one', async () => {
  const client = await rawClient(port)
  for (let turn = 0; turn < 2; turn += 1) {
    client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    assert.equal((await client.answer()).body, 'ok')
    await new Promise((resolve) => setTimeout(resolve, 350))
  }
  client.close()
})

test('a head that comes byte by byte is not waited for without end either', async () => {
  const client = await rawClient(port)
  const drip = setInterval(() => client.socket.writable && client.send('x'), 20)
  client.send('GET / HTTP/1.1\r\nX: ')
  assert.equal((await client.answer()).status, 408)
  clearInterval(drip)
  client.close()
})

test('a body that is collected and stops coming is 408, and the connection ends', async () => {
  for (const framing of ['Content-Length: 9', 'Transfer-Encoding: chunked']) {
    const client = await rawClient(port)
    client.send(`POST / HTTP/1.1\r\nHost: a\r\n${framing}\r\n\r\n1\r\na`)
    assert.equal((await client.answer()).status, 408)
    client.end()
    await client.rest()
  }
})

test('a body that is collected slowly is not refused for that', async () => {
  const client = await rawClient(port)
  client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n')
  for (const byte of 'slow body') {
    await new Promise((resolve) => setTimeout(resolve, 50))
    client.send(byte)
  }
  assert.equal((await client.answer()).status, 200)
  client.close()
})

test('a body that is passed on may pause', async () => {
  const client = await rawClient(port)
  client.send('POST /passed HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\na')
  await new Promise((resolve) => setTimeout(resolve, 600))
  client.send('b')
  assert.equal((await client.answer()).body, 'ab')
  client.close()
})
