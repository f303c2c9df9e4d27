import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect as connectHttp2 } from 'node:http2'
import { connect as connectTls } from 'node:tls'
import { after, before, test } from 'node:test'
import { startOrigin, type Origin } from '../support/origin.ts'
import { over, rawClient } from '../support/raw-client.ts'
import { freePorts } from '../support/free-ports.ts'
import { startStage, type Stage } from '../support/stage.ts'

// The whole program with a listener for redirected connections. Nothing redirects here: names and usual ports are all that is known.

const host = 'api.openai.com'
let stage: Stage
let plain: Origin
let port = 0

before(async () => {
  ;[port = 0] = await freePorts(1)
  plain = await startOrigin((seen, response) => void response.end(`${seen.url} in the clear`))
  stage = await startStage((seen, response) => void response.end(`${seen.url} by ${seen.version}`), {
    hosts: [host, 'theirs.test'],
    origins: { [`${host}:80`]: plain },
    config: { workers: 2, proxy: { transparent: `127.0.0.1:${port}` } },
  })
})

after(async () => {
  await stage[Symbol.asyncDispose]()
  await plain.close()
})

const tls = async (servername: string, ca: string, alpn: readonly string[] = []) => {
  const socket = connectTls({ port, host: '127.0.0.1', servername, ca, ALPNProtocols: [...alpn] })
  await once(socket, 'secureConnect')
  return socket
}

test('redirected connections are taken by several workers, and the log says where', async () => {
  for (let turn = 0; turn < 6; turn += 1) {
    const client = over(await tls(host, stage.sallyport.ca()))
    client.send(`GET /turn HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
    assert.match((await client.answer()).body, /^\/turn by /)
    client.close()
  }
  assert.match(stage.sallyport.log(), new RegExp(`"transparent":\\["127\\.0\\.0\\.1:${port}"\\]`))
  const rows = await stage.sallyport.rowsWhen(
    'exchanges',
    (some) => some.filter((row) => row['path'] === '/turn').length === 6,
  )
  assert.ok(rows.every((row) => row['host'] === host))
})

test('HTTP/2 is spoken', async () => {
  const socket = await tls(host, stage.sallyport.ca(), ['h2'])
  const session = connectHttp2(`https://${host}`, { createConnection: () => socket })
  const stream = session.request({ ':path': '/two' })
  let body = ''
  stream.setEncoding('utf8').on('data', (text: string) => (body += text))
  await once(stream, 'end')
  assert.match(body, /^\/two by /)
  session.destroy()
  assert.equal((await stage.exchange('/two'))['http_version'], '2')
})

test('what is not inspected keeps the certificate of its origin', async () => {
  const client = over(await tls('theirs.test', stage.authority.cert))
  client.send('GET /theirs HTTP/1.1\r\nHost: theirs.test\r\n\r\n')
  assert.match((await client.answer()).body, /^\/theirs by /)
  client.close()
  const row = await stage.row('connections', (one) => one['host'] === 'theirs.test')
  assert.deepEqual([row['handling'], row['sni'], row['port']], ['tunnel', 'theirs.test', 443])
})

test('plain HTTP goes by Host', async () => {
  const client = await rawClient(port)
  client.send(`GET /plain HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
  assert.equal((await client.answer()).body, '/plain in the clear')
  client.close()
  assert.equal((await stage.exchange('/plain'))['port'], 80)
})

test('a request for the listener itself is not taken round', async () => {
  const client = await rawClient(port)
  client.send(`GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`)
  assert.equal((await client.answer()).status, 508)
  client.close()
})

test('a stop ends connections that have not begun, and waits for none of them', async () => {
  const silent = await rawClient(port)
  const half = await rawClient(port)
  half.send(Buffer.from('160301', 'hex'))
  assert.equal(await stage.sallyport.stop(), 0)
  for (const client of [silent, half]) await client.rest().catch(() => '')
})
