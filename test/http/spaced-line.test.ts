import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { test } from 'node:test'
import { http1Server } from '../../src/http/serve1.ts'
import { rawClient } from '../support/raw-client.ts'

const connect = (line: string): string => `${line}\r\nHost: plain.example:443\r\n\r\n`
const upgrade = (line: string): string =>
  `${line}\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-Said: GET  /ws  HTTP/1.1\r\n\r\n`

const lines: readonly (readonly [what: string, bytes: string, got: string])[] = [
  ['a CONNECT with one space', connect('CONNECT plain.example:443 HTTP/1.1'), 'connect'],
  [
    'a CONNECT with two spaces before the version',
    connect('CONNECT plain.example:443  HTTP/1.1'),
    'connect malformed_request',
  ],
  [
    'a CONNECT with two spaces after the method',
    connect('CONNECT  plain.example:443 HTTP/1.1'),
    'connect malformed_request',
  ],
  ['a CONNECT with a space behind its version', connect('CONNECT plain.example:443 HTTP/1.1 '), 'malformed_request'],
  ['an upgrade with one space', upgrade('GET /ws HTTP/1.1'), 'upgrade'],
  ['an upgrade with two spaces before the version', upgrade('GET /ws  HTTP/1.1'), 'malformed_request'],
  ['an upgrade with two spaces after the method', upgrade('GET  /ws HTTP/1.1'), 'malformed_request'],
]

for (const [what, bytes, got] of lines) {
  test(`${what}: ${got}`, async () => {
    const told = Promise.withResolvers<string>()
    const http = http1Server<null>(
      {
        exchange: async () => told.resolve('exchange'),
        connect: (_context, { fault }) => told.resolve(fault === undefined ? 'connect' : `connect ${fault.code}`),
        upgrade: async () => told.resolve('upgrade'),
        refused: (_context, { code }) => told.resolve(code),
      },
      { headerBytes: 65_536, headersTimeoutMs: 10_000, keepAliveTimeoutMs: 10_000, streams: 1 },
    )
    const server = createServer((socket) =>
      http.serve(
        socket.on('error', () => undefined),
        null,
      ),
    ).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const client = await rawClient((server.address() as AddressInfo).port)
    client.send(bytes)
    assert.equal(await told.promise, got)
    client.close()
    server.close()
    http.close()
  })
}
