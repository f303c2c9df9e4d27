import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:http2'
import { request } from 'node:https'
import { connect as connectTls } from 'node:tls'
import { test } from 'node:test'
import { testAuthority } from './authority.ts'
import { startOrigin, type OriginHandler } from './origin.ts'
import { rawClient } from './raw-client.ts'

const authority = testAuthority()

const echo: OriginHandler = (seen, response) => {
  response.writeHead(200, { 'content-type': 'text/plain' })
  response.end(`${seen.version} ${seen.method} ${seen.url} ${seen.text()}`)
}

test('an origin speaks HTTP/1.1 over TLS and keeps raw headers, body and SNI', async () => {
  await using origin = await startOrigin(echo, { authority, names: ['api.openai.com'] })
  const sent = request({
    port: origin.port,
    host: '127.0.0.1',
    servername: 'api.openai.com',
    method: 'POST',
    path: '/a',
    ca: authority.cert,
    headers: { 'X-One': '1' },
  })
  sent.end('hello')
  const [answer] = await once(sent, 'response')
  assert.equal(Buffer.concat(await answer.toArray()).toString(), '1.1 POST /a hello')
  const [seen] = await origin.requests(1)
  assert.equal(seen?.headers[0], 'X-One')
  assert.equal(seen?.header('x-one'), '1')
  assert.equal(seen?.sni, 'api.openai.com')
  assert.equal(await origin.settled(seen), 'answered')
})

test('an origin speaks HTTP/2 when the client offers it', async () => {
  await using origin = await startOrigin(echo, { authority, names: ['localhost'] })
  const session = connect(`https://localhost:${origin.port}`, { ca: authority.cert })
  const stream = session.request({ ':method': 'POST', ':path': '/b' })
  stream.end('two')
  assert.equal(Buffer.concat(await stream.toArray()).toString(), '2 POST /b two')
  session.close()
})

test('an early origin sees a client go away', async () => {
  await using origin = await startOrigin(() => {}, { early: true })
  const client = await rawClient(origin.port)
  client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc')
  const [seen] = await origin.requests(1)
  assert.ok(seen)
  client.reset()
  assert.equal(await origin.settled(seen), 'aborted')
})

test('a raw client reads one answer whole, chunked or by length', async () => {
  await using origin = await startOrigin((seen, response) => {
    if (seen.url === '/length') response.setHeader('content-length', '5')
    response.write('he')
    response.end('llo')
  })
  const client = await rawClient(origin.port)
  for (const path of ['/length', '/chunked']) {
    client.send(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`)
    const answer = await client.answer()
    assert.deepEqual([answer.status, answer.body], [200, 'hello'])
  }
  assert.equal(origin.connections(), 1)
  client.close()
})

test('certificates of the test authority hold for their names and times only', async () => {
  await using origin = await startOrigin(echo, { authority, names: ['good.example', '::1', '127.0.0.1'] })
  await using expired = await startOrigin(echo, { identity: authority.issue(['good.example'], { notAfter: -1_000 }) })
  const outcome = async (port: number, servername: string) => {
    const socket = connectTls({ port, host: '127.0.0.1', servername, ca: authority.cert })
    const [result] = await Promise.race([
      once(socket, 'secureConnect').then(() => ['ok']),
      once(socket, 'error'),
    ]).catch((cause) => [cause])
    socket.destroy()
    return result === 'ok' ? 'ok' : (result as NodeJS.ErrnoException).code
  }
  assert.equal(await outcome(origin.port, 'good.example'), 'ok')
  assert.equal(await outcome(origin.port, ''), 'ok')
  assert.equal(await outcome(origin.port, 'bad.example'), 'ERR_TLS_CERT_ALTNAME_INVALID')
  assert.equal(await outcome(expired.port, 'good.example'), 'CERT_HAS_EXPIRED')
})
