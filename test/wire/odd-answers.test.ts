import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer, type Server } from 'node:tls'
import { after, before, test } from 'node:test'
import { testAuthority } from '../support/authority.ts'
import { over } from '../support/raw-client.ts'
import type { OriginResponse, SeenRequest } from '../support/origin.ts'
import { startStage, type Stage } from '../support/stage.ts'

let stage: Stage
let origin: Server
let said = ''

before(async () => {
  const authority = testAuthority()
  origin = createServer({ ...authority.issue(['odd.test']), ALPNProtocols: ['http/1.1'] }, (socket) => {
    socket.on('error', () => undefined)
    const connection = over(socket)
    const answer = async (): Promise<void> => {
      for (;;) {
        await connection.until('\r\n\r\n')
        connection.send(said)
      }
    }
    answer().catch(() => undefined)
  }).listen(0, '127.0.0.1')
  await once(origin, 'listening')
  stage = await startStage(hinting, {
    authority,
    hosts: ['hints.test'],
    origins: { 'odd.test:443': { address: `127.0.0.1:${(origin.address() as AddressInfo).port}` } },
    policies: { 'a.yaml': { intercept: [{ hosts: ['odd.test', 'hints.test'], action: 'inspect' }] } },
  })
})

after(async () => {
  await stage[Symbol.asyncDispose]()
  origin.close()
})

/** Informational answers, and no other. */
function hinting(_seen: SeenRequest, { stream }: OriginResponse): void {
  const more = (): void => {
    if (stream?.closed !== false) return
    stream.additionalHeaders({ ':status': 103 })
    setImmediate(more)
  }
  more()
}

type Told = { informed: string; status?: unknown; body: string; trailers: Record<string, unknown>; code: number }

async function get(path: string, method = 'GET', host = 'odd.test'): Promise<Told> {
  const session = await stage.http2(host)
  const stream = session.request({ ':method': method, ':path': path })
  const told: Told = { informed: '', body: '', trailers: {}, code: 0 }
  stream
    .on('headers', (fields) => (told.informed += `${fields[':status']} `))
    .on('response', (fields) => (told.status = fields[':status']))
    .on('data', (bytes) => (told.body += String(bytes)))
    .on('trailers', (fields) => (told.trailers = Object.fromEntries(Object.entries(fields))))
    .on('error', () => undefined)
  await new Promise((resolve) => stream.once('close', resolve))
  told.code = stream.rstCode
  session.destroy()
  return told
}

const trailers = (lines: string): string =>
  `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n${lines}\r\n`

const answers: [what: string, answer: string, expected: Partial<Told>][] = [
  [
    'trailers that are for one hop only',
    trailers('X-T: 1\r\nConnection: x-u\r\nX-U: 2\r\nKeep-Alive: 3\r\nUpgrade: 4\r\nTE: 5\r\n'),
    { status: 200, body: 'hi', trailers: { 'x-t': '1' }, code: 0 },
  ],
  ['a trailer that HTTP/2 reads as a number', trailers('Age: many\r\n'), { status: 200, body: 'hi', code: 0 }],
  ['a status of HTTP/1.1 only', 'HTTP/1.1 600 Odd\r\nContent-Length: 2\r\n\r\nhi', { status: undefined, code: 2 }],
  ['the last status there is', 'HTTP/1.1 999 Odd\r\nContent-Length: 2\r\n\r\nhi', { status: undefined, code: 2 }],
  ['a 204 with a length', 'HTTP/1.1 204 None\r\nContent-Length: 2\r\n\r\nhi', { status: 204, body: '', code: 0 }],
  ['a 205 with a body', 'HTTP/1.1 205 Reset\r\nContent-Length: 2\r\n\r\nhi', { status: 205, body: '', code: 0 }],
  [
    'an informational answer with a length',
    'HTTP/1.1 103 Early\r\nContent-Length: 5\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi',
    { informed: '103 ', status: 200, body: 'hi', code: 0 },
  ],
]

for (const [index, [what, answer, expected]] of answers.entries()) {
  test(`${what}: the HTTP/2 client's stream comes to an end, and the process goes on`, async () => {
    said = answer
    const told = await get(`/odd-${index}`)
    for (const [name, value] of Object.entries(expected)) assert.deepEqual(told[name as keyof Told], value, name)
    await stage.exchange(`/odd-${index}`)
    assert.equal(stage.sallyport.child.exitCode, null, stage.sallyport.log())
  })
}

test('a status of HTTP/1.1 only ends the stream of a HEAD, too', async () => {
  said = 'HTTP/1.1 600 Odd\r\nContent-Length: 2\r\n\r\n'
  assert.deepEqual({ ...(await get('/head', 'HEAD')) }.code, 2)
})

test('informational answers without end end with a refusal', async () => {
  const told = await get('/hints', 'GET', 'hints.test')
  assert.deepEqual([told.status, told.informed.split(' ').length - 1], [502, 1_000])
  assert.equal((await stage.exchange('/hints'))['error'], 'upstream_invalid')
})

test('a length where there can be no content, and trailers for one hop, do not reach an HTTP/1.1 client', async () => {
  const client = await stage.connect('odd.test')
  said = 'HTTP/1.1 103 Early\r\nContent-Length: 5\r\n\r\nHTTP/1.1 204 None\r\nContent-Length: 2\r\n\r\n'
  client.send('GET /lengths HTTP/1.1\r\nHost: odd.test\r\n\r\n')
  assert.doesNotMatch((await client.until('\r\n\r\n')) + (await client.until('\r\n\r\n')), /content-length/i)
  said = trailers('X-T: 1\r\nConnection: x-u\r\nX-U: 2\r\n')
  client.send('GET /trailers HTTP/1.1\r\nHost: odd.test\r\n\r\n')
  assert.match(await client.until('X-T: 1\r\n\r\n'), /0\r\nX-T: 1\r\n\r\n$/)
  client.close()
})
