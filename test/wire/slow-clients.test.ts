import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { after, before, test } from 'node:test'
import { bytesBody } from '../../src/http/body.ts'
import { http1Server } from '../../src/http/serve1.ts'
import { rawClient } from '../support/raw-client.ts'

const refused: (string | undefined)[] = []
let server: Server
let port: number

before(async () => {
  const served = http1Server<string>(
    {
      exchange: (incoming) =>
        incoming.send({
          head: { status: 200, reason: 'OK', headers: ['content-length', '2'], version: '1.1' },
          body: bytesBody(Buffer.from('ok')),
        }),
      upgrade: async () => undefined,
      connect: (_context, _request, socket) => void socket.destroy(),
      refused: (_context, fault) => void refused.push(fault.code),
    },
    { headerBytes: 16_384, headersTimeoutMs: 100, keepAliveTimeoutMs: 60_000, streams: 100 },
  )
  server = createServer((socket) => served.serve(socket, 'context')).listen(0, '127.0.0.1')
  await once(server, 'listening')
  ;({ port } = server.address() as AddressInfo)
})

after(() => server.close())

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
