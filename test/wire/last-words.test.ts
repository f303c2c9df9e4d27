import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, before, test } from 'node:test'
import { rawClient, type RawClient } from '../support/raw-client.ts'
import { startStage, type Stage } from '../support/stage.ts'

const host = 'api.openai.com'
// More than socket buffers on both sides hold.
const lots = Buffer.alloc(20_000_000, `GET /smuggled HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
let stage: Stage

before(async () => {
  stage = await startStage((_seen, response) => void response.end('fine'), {
    hosts: [host],
    origin: { alpn: ['http/1.1'] },
    policies: {
      'a.yaml': {
        intercept: [
          { hosts: ['denied.test'], action: 'deny', reason: 'no' },
          { hosts: ['catalogue'], action: 'inspect' },
        ],
      },
    },
  })
})

after(() => stage[Symbol.asyncDispose]())

const heads: [what: string, head: string, status: number][] = [
  ['two framings', 'POST /x HTTP/1.1\r\nHost: HOST\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n', 400],
  ['nonsense', 'nonsense\r\n\r\n', 400],
  ['a bad chunk', 'POST /x HTTP/1.1\r\nHost: HOST\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n', 400],
  ['too long a field', `POST /x HTTP/1.1\r\nHost: HOST\r\nX: ${'x'.repeat(100_000)}\r\n\r\n`, 431],
  ['too long a target', `POST /${'x'.repeat(70_000)} HTTP/1.1\r\nHost: HOST\r\n\r\n`, 414],
  [
    'a refused upgrade',
    'GET /x HTTP/1.1\r\nHost: HOST\r\nHost: b\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
    400,
  ],
  ['a CONNECT inside', 'CONNECT b.test:443 HTTP/1.1\r\nHost: b.test:443\r\n\r\n', 405],
]

for (const [what, head, status] of heads) {
  test(`a client that goes on writing behind ${what} reads the ${status}, inside a tunnel`, async () => {
    const seen = stage.origin.seen.length
    const client = await stage.connect(host)
    await saysLots(client, head.replace('HOST', host))
    const answer = await client.answer()
    assert.deepEqual([answer.status, await client.rest()], [status, ''])
    assert.equal(stage.origin.seen.length, seen)
  })
}

for (const [what, head, status] of heads.slice(0, 5)) {
  test(`a client that goes on writing behind ${what} reads the ${status}, at the plain port`, async () => {
    const client = await stage.raw()
    await saysLots(client, head.replace(' /', ` http://${host}/`).replace('HOST', host))
    const answer = await client.answer()
    assert.deepEqual([answer.status, await client.rest()], [status, ''])
  })
}

const connects: [what: string, target: string, status: number, code: string][] = [
  ['policy denies', 'denied.test:443', 403, 'policy_denied'],
  ['is no target', 'nothing', 400, 'malformed_request'],
  ['nobody can reach', '127.0.0.1:9', 403, 'address_not_allowed'],
]

for (const [what, target, status, code] of connects) {
  test(`a client that sends on behind a CONNECT that ${what} reads the ${status}`, async () => {
    const client = await stage.raw()
    await saysLots(client, `CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n\r\n`)
    const answer = await client.answer()
    assert.deepEqual([answer.status, answer.header('sallyport-error'), await client.rest()], [status, code, ''])
  })
}

test('a client that sends its ClientHello with a CONNECT without credentials reads the challenge', async () => {
  await using asking = await startStage((_seen, response) => void response.end('fine'), {
    hosts: [host],
    config: { proxy: { auth: 'basic' } },
  })
  const client = await rawClient(asking.sallyport.proxyPort)
  await saysLots(client, `CONNECT ${host}:443 HTTP/1.1\r\nHost: ${host}:443\r\n\r\n`)
  const answer = await client.answer()
  assert.deepEqual([answer.status, answer.header('connection'), await client.rest()], [407, 'close', ''])
})

/** All of it is written before a byte is read. */
async function saysLots(client: RawClient, head: string): Promise<void> {
  client.socket.pause()
  // In one piece: what comes behind an answer that has been given is another request.
  client.socket.write(Buffer.concat([Buffer.from(head, 'latin1'), lots]))
  await Promise.race([once(client.socket, 'drain'), once(client.socket, 'error'), once(client.socket, 'close')])
  client.socket.resume()
}
