import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { acceptOf } from '../../src/http/websocket-handshake.ts'
import { opcodes } from '../../src/http/websocket-frame.ts'
import { startStage, type Stage } from '../support/stage.ts'
import { websocketEnd, type WebSocketEnd } from '../support/websocket-end.ts'

const host = 'ws.test'
const key = 'dGhlIHNhbXBsZSBub25jZQ=='
let stage: Stage
const ends = new Map<string, (end: WebSocketEnd) => void>()

before(async () => {
  stage = await startStage(() => {}, {
    hosts: [host],
    origin: {
      alpn: ['http/1.1'],
      onUpgrade: (request, socket) => {
        const { url = '', headers } = request
        const accept = acceptOf(String(headers['sec-websocket-key']))
        const said = url === '/wrong' ? acceptOf('AAAAAAAAAAAAAAAAAAAAAA==') : accept
        const field = url === '/none' ? '' : `Sec-WebSocket-Accept: ${said}\r\n`
        socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n${field}\r\n`)
        ends.get(url)?.(websocketEnd(socket, false))
      },
    },
    config: { upstream: { idleTimeoutMs: 1_000 } },
    policies: { 'a.yaml': { intercept: [{ hosts: ['*'], action: 'inspect' }] } },
  })
})

after(() => stage[Symbol.asyncDispose]())

const asks = (path: string): string =>
  `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`

for (const [what, path] of [
  ['the wrong Sec-WebSocket-Accept', '/wrong'],
  ['no Sec-WebSocket-Accept', '/none'],
] as const)
  test(`an origin that says ${what} is 502`, async () => {
    const client = await stage.connect(host, { alpn: ['http/1.1'] })
    client.send(asks(path))
    const answer = await client.answer()
    assert.deepEqual([answer.status, answer.header('sallyport-error')], [502, 'upstream_invalid'])
    client.close()
    const row = await stage.exchange(path)
    assert.deepEqual([row['status'], row['error'], row['state']], [502, 'upstream_invalid', 'done'])
  })

test('a WebSocket on which nobody says anything any more ends with 1001 on both sides', async () => {
  const origin = new Promise<WebSocketEnd>((resolve) => ends.set('/quiet', resolve))
  const client = await stage.connect(host, { alpn: ['http/1.1'] })
  client.send(asks('/quiet'))
  assert.match(await client.until('\r\n\r\n'), /^HTTP\/1\.1 101 /)
  for (const event of ['data', 'end', 'close', 'error']) client.tls.removeAllListeners(event)
  const mine = websocketEnd(client.tls, true)
  const other = await origin
  mine.say(opcodes.text, 'hello')
  assert.equal(await other.text(), 'hello')
  for (const end of [mine, other]) {
    const last = await end.hear()
    assert.deepEqual([last?.opcode, last?.payload.readUInt16BE(0)], [opcodes.close, 1001])
  }
})
