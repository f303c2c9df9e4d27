import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { after, before, test } from 'node:test'
import { acceptOf } from '../../src/http/websocket-handshake.ts'
import { startOrigin, type Origin } from '../support/origin.ts'
import { startStage, type Stage } from '../support/stage.ts'

let stage: Stage
let origin: Origin

const onUpgrade = (request: IncomingMessage, socket: Duplex): void => {
  if (request.url === '/refused') return void socket.end('HTTP/1.1 401 No\r\nContent-Length: 4\r\n\r\nnope')
  const accept = acceptOf(String(request.headers['sec-websocket-key']))
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\nearly`,
  )
  socket.pipe(socket)
}

before(async () => {
  origin = await startOrigin(() => {}, { onUpgrade })
  stage = await startStage(() => {}, {
    hosts: ['inspected.test'],
    origins: { 'other.test:80': origin },
    policies: {
      'a.yaml': {
        intercept: [{ hosts: ['other.test'], action: 'tunnel', reason: 'none of ours' }],
        rules: [
          {
            name: 'doors',
            on: 'both',
            hook: 'keywords',
            action: 'block',
            options: { words: ['sesame'], name: 'doors' },
          },
        ],
      },
    },
  })
})

after(async () => {
  await stage[Symbol.asyncDispose]()
  await origin.close()
})

const handshake = (path: string): string =>
  `GET http://other.test${path} HTTP/1.1\r\nHost: other.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`

test('a plain WebSocket to a host that is not inspected passes unread, and has a row as a tunnel has', async () => {
  const client = await stage.raw()
  client.send(handshake('/ws'))
  assert.match(await client.until('\r\n\r\n'), /^HTTP\/1\.1 101 /)
  assert.equal(await client.until('early'), 'early')
  client.send('open sesame, whatever this is')
  assert.equal(await client.until('whatever this is'), 'open sesame, whatever this is')
  client.end()
  if (!client.socket.destroyed) await once(client.socket, 'close')
  const row = await stage.row('connections', (one) => one['host'] === 'other.test' && one['bytes_up'] === 29)
  assert.deepEqual(
    [row['handling'], row['reason'], row['bytes_down'], row['error']],
    ['tunnel', 'none of ours', 34, null],
  )
})

test("its refusal is the origin's own", async () => {
  const client = await stage.raw()
  client.send(handshake('/refused'))
  const answer = await client.answer()
  assert.deepEqual([answer.status, answer.body], [401, 'nope'])
  client.close()
})
