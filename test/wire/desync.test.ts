import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import { bytesBody } from '../../src/http/body.ts'
import type { Incoming } from '../../src/http/incoming.ts'
import { http1Server } from '../../src/http/serve1.ts'
import { upstream, type Upstream } from '../../src/upstream/send.ts'
import { startOrigin, type Origin } from '../support/origin.ts'
import { rawClient } from '../support/raw-client.ts'
import { loopbackConnector, requestTo } from '../support/scripted-origin.ts'
import { strictRequests } from '../support/strict-reading.ts'

let origin: Origin
let sending: Upstream
let server: Server
let port: number

before(async () => {
  origin = await startOrigin((_seen, response) => void response.end('ok'))
  sending = upstream(loopbackConnector(), { headersTimeoutMs: 5_000, idleTimeoutMs: 5_000 }, Date.now)
  const served = http1Server<string>(
    {
      exchange: pass,
      upgrade: async ({ incoming }) => incoming.send(refusal),
      connect: (_context, _request, socket) => void socket.destroy(),
      refused: () => undefined,
    },
    { headerBytes: 16_384, headersTimeoutMs: 60_000, keepAliveTimeoutMs: 60_000, streams: 100 },
  )
  server = createServer((socket) => served.serve(socket, 'context')).listen(0, '127.0.0.1')
  await once(server, 'listening')
  ;({ port } = server.address() as AddressInfo)
})

after(async () => {
  server.close()
  await sending.close()
  await origin.close()
})

const refusal = {
  head: { status: 400, reason: 'No', headers: ['content-length', '2'], version: '1.1' },
  body: bytesBody(Buffer.from('no')),
} as const

/** Sends it on as it comes. */
async function pass(incoming: Incoming<string>): Promise<void> {
  const { method, target: path, headers, body, signal, inform } = incoming
  if (!path.startsWith('/')) return incoming.send(refusal)
  const request = requestTo(origin.port, { method, path, headers, body })
  const answer = await sending.send(request, { signal, inform }).catch(() => refusal)
  return incoming.send(answer)
}

const requests = [
  'POST /a HTTP/1.1\r\nHost: a.test\r\nContent-Length: 11\r\nX-A: 1\r\n\r\nhello\r\nGET ',
  'POST /b HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nX-Sum: 1\r\n\r\n',
  'GET /c HTTP/1.1\r\nHost: a.test\r\nAccept: */*\r\n\r\n',
  'PUT /d HTTP/1.1\r\nhost: a.test\r\ncontent-length: 0\r\n\r\n',
]

const odd = [
  '\r',
  '\n',
  '\r\n',
  ' ',
  '\t',
  '\0',
  ':',
  ',',
  ';',
  '0',
  '1',
  '5',
  'f',
  'x',
  '\x0b',
  '\xff',
  'Content-Length: 3\r\n',
]
const mutation = fc.record({
  at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
  drop: fc.integer({ min: 0, max: 3 }),
  put: fc.oneof(
    fc.constant(''),
    fc.constantFrom(...odd),
    fc.constantFrom('Transfer-Encoding: chunked\r\n', '\r\n\r\n'),
  ),
})
const stream = fc
  .tuple(fc.array(fc.constantFrom(...requests), { minLength: 1, maxLength: 4 }), fc.array(mutation, { maxLength: 4 }))
  .map(([parts, mutations]) => {
    let text = parts.join('')
    for (const { at, drop, put } of mutations) {
      const place = Math.floor(at * text.length)
      text = text.slice(0, place) + put + text.slice(place + drop)
    }
    return text
  })

test('whatever is done to a stream of requests, an origin gets those that its bytes say, and no others', async () => {
  let reached = 0
  await fc.assert(
    fc.asyncProperty(stream, fc.integer({ min: 1, max: 400 }), async (text, cut) => {
      const before = origin.seen.length
      const client = await rawClient(port)
      client.send(text.slice(0, cut))
      await new Promise(setImmediate)
      client.send(text.slice(cut))
      client.end()
      await client.rest()
      const seen = origin.seen.slice(before).filter(({ end }) => end)
      const said = strictRequests(text).filter(({ target }) => target.startsWith('/'))
      reached += seen.length
      assert.deepEqual(
        seen.map(({ method, url, body }) => ({ method, target: url, body: body.toString('latin1') })),
        said.slice(0, seen.length),
      )
    }),
    { numRuns: 2_000, interruptAfterTimeLimit: 9_000 },
  )
  // Otherwise nothing was shown.
  assert.ok(reached > 200, `${reached} requests reached the origin`)
})
