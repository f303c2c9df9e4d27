import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { scriptedOrigin, type ScriptedOrigin } from '../support/scripted-origin.ts'
import { startStage, type Stage } from '../support/stage.ts'
import type { RawClient } from '../support/raw-client.ts'

const large = 20_000_000
let stage: Stage
let origin: ScriptedOrigin
let script: (connection: RawClient) => unknown = () => undefined

before(async () => {
  origin = await scriptedOrigin((connection) => {
    connection.socket.on('error', () => undefined)
    return Promise.resolve(script(connection)).catch(() => undefined)
  })
  const plain = { address: `127.0.0.1:${origin.port}` }
  stage = await startStage((_seen, response) => void response.end('ok'), {
    hosts: ['secure.test'],
    origin: { alpn: ['http/1.1'] },
    origins: { 'read.test:80': plain, 'unread.test:80': plain },
    policies: {
      'a.yaml': {
        intercept: [
          { hosts: ['read.test', 'secure.test'], action: 'inspect' },
          { hosts: ['*'], action: 'tunnel' },
        ],
        oversize: 'block',
      },
    },
    config: { limits: { inspectBytes: 1_000_000 } },
  })
})

after(async () => {
  await stage[Symbol.asyncDispose]()
  await origin[Symbol.asyncDispose]()
})

/** Writes all of a request before it reads a byte, as simple clients do. */
async function writesFirst(client: RawClient, head: string, body: number): Promise<string> {
  client.socket.pause()
  const written = Promise.withResolvers<void>()
  client.send(head)
  client.socket.write(Buffer.alloc(body, 'x'), () => written.resolve())
  await written.promise
  client.socket.resume()
  return client.rest()
}

const streamed: [what: string, host: string, type: string][] = [
  ['a body that nobody reads', 'unread.test', 'text/plain'],
  ['a body that holds no text', 'read.test', 'audio/wav'],
]

for (const [what, host, type] of streamed) {
  const head = (path: string, length: number | undefined): string =>
    `POST http://${host}${path} HTTP/1.1\r\nHost: ${host}\r\nContent-Type: ${type}\r\n` +
    `${length === undefined ? 'Transfer-Encoding: chunked' : `Content-Length: ${length}`}\r\n\r\n`

  test(`${what}: request and answer flow at the same time, piece by piece`, async () => {
    script = async (connection) => {
      await connection.until('\r\n\r\n')
      connection.send(
        'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: audio/wav\r\nTransfer-Encoding: chunked\r\n\r\n',
      )
      for (let turn = 0; turn < 5; turn += 1) {
        const piece = await connection.until(`piece ${turn}\r\n`)
        connection.send(`5\r\necho${piece.at(-3)}\r\n`)
      }
      await connection.until('0\r\n\r\n')
      connection.send('0\r\n\r\n')
    }
    const client = await stage.raw()
    client.send(head('/both-ways', undefined))
    assert.match(await client.until('\r\n\r\n'), /^HTTP\/1\.1 200 /)
    for (let turn = 0; turn < 5; turn += 1) {
      client.send(`7\r\npiece ${turn}\r\n`)
      assert.equal(await client.until('\r\n'), '5\r\n')
      assert.equal(await client.until('\r\n'), `echo${turn}\r\n`)
    }
    client.send('0\r\n\r\n')
    assert.equal(await client.until('0\r\n\r\n'), '0\r\n\r\n')
    client.close()
  })

  test(`${what}: an answer before its end reaches a client that goes on writing, and the origin gets no more`, async () => {
    const closed = Promise.withResolvers<number>()
    script = async (connection) => {
      await connection.until('\r\n\r\n')
      await connection.until(100_000)
      connection.send('HTTP/1.1 413 Too Much\r\nX-Said: yes\r\nContent-Length: 6\r\n\r\nenough')
      closed.resolve((await connection.rest()).length)
    }
    const client = await stage.raw()
    const said = await writesFirst(client, head('/enough', large), large)
    assert.match(
      said,
      /^HTTP\/1\.1 413 Too Much\r\nX-Said: yes\r\nContent-Length: 6\r\nConnection: close\r\n\r\nenough$/,
    )
    assert.ok((await closed.promise) < large)
  })
}

const refusals: [what: string, path: string, host: string, status: number][] = [
  ['too large to be read', '/large', 'read.test', 413],
]

for (const [what, path, host, status] of refusals) {
  test(`a body that is ${what}: a client that writes all of it first reads the refusal`, async () => {
    const client = await stage.raw()
    const head = `POST http://${host}${path} HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\nContent-Length: ${large}\r\n\r\n`
    const said = await writesFirst(client, head, large)
    assert.match(said, new RegExp(`^HTTP/1\\.1 ${status} [^]*\\r\\n\\r\\n\\{.*\\}$`))
  })
}

test('inside TLS, a client that writes all of a large body first reads the refusal', async () => {
  const client = await stage.connect('secure.test')
  const head = `POST /large-tls HTTP/1.1\r\nHost: secure.test\r\nContent-Type: application/json\r\nContent-Length: ${large}\r\n\r\n`
  const said = await writesFirst(client, head, large)
  assert.match(said, /^HTTP\/1\.1 413 [^]*\r\n\r\n\{.*\}$/)
  assert.equal((await stage.exchange('/large-tls'))['status'], 413)
})

test('what follows the body of a refused request is no request', async () => {
  const seen = origin.connections()
  script = (connection) => void connection.send('HTTP/1.1 204 No\r\n\r\n')
  const client = await stage.raw()
  const head = `POST http://read.test/large HTTP/1.1\r\nHost: read.test\r\nContent-Type: application/json\r\nContent-Length: 2000000\r\n\r\n`
  client.send(head + 'x'.repeat(2_000_000) + 'GET http://read.test/smuggled HTTP/1.1\r\nHost: read.test\r\n\r\n')
  const said = await client.rest()
  assert.equal(said.match(/HTTP\/1\.1 \d/g)?.length, 1)
  assert.equal(origin.connections(), seen)
})
