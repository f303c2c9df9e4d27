import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { Duplex } from 'node:stream'
import { connect as connectTls } from 'node:tls'
import { after, before, test } from 'node:test'
import { startOrigin, type Origin } from '../support/origin.ts'
import { startStage, type Row, type Stage } from '../support/stage.ts'

const hosts = ['api.openai.com', 'quiet.test', 'pinned.test', 'pinned2.test', '192.0.2.7']

let stage: Stage
let echo: ReturnType<typeof createServer>
let plainOrigin: Origin

before(async () => {
  echo = createServer((socket) => void socket.on('error', () => {}).pipe(socket))
  echo.listen(0, '127.0.0.1')
  await once(echo, 'listening')
  plainOrigin = await startOrigin((seen, response) => void response.end(`plain ${seen.url}`))
  const address = `127.0.0.1:${(echo.address() as AddressInfo).port}`
  stage = await startStage((seen, response) => void response.end(`${seen.method} ${seen.url}`), {
    hosts,
    origins: { 'loose.test:80': plainOrigin, 'api.openai.com:25': { address } },
    policies: {
      '10-test.yaml': {
        intercept: [
          { hosts: ['pinned*.test'], action: 'inspect', onRejectedLeaf: 'tunnel' },
          { hosts: ['catalogue', '*.test', '192.0.2.7'], action: 'inspect' },
        ],
      },
    },
  })
})

after(async () => {
  await stage[Symbol.asyncDispose]()
  echo.close()
  await plainOrigin.close()
})

test('an intercepted connection is served with a leaf of the local authority', async () => {
  const client = await stage.connect('api.openai.com')
  assert.equal(client.tls.getPeerCertificate().subjectaltname, 'DNS:api.openai.com')
  client.send('GET /intercepted HTTP/1.1\r\nHost: api.openai.com\r\n\r\n')
  assert.equal((await client.answer()).body, 'GET /intercepted')
  client.close()
  const row = await stage.exchange('/intercepted')
  assert.deepEqual(
    [row['host'], row['status'], row['state'], row['http_version']],
    ['api.openai.com', 200, 'done', '1.1'],
  )
})

test('an IP literal gets a leaf with an address in it', async () => {
  const client = await stage.connect('192.0.2.7')
  assert.equal(client.tls.getPeerCertificate().subjectaltname, 'IP Address:192.0.2.7')
  client.send('GET /literal HTTP/1.1\r\nHost: 192.0.2.7\r\n\r\n')
  assert.equal((await client.answer()).body, 'GET /literal')
  client.close()
})

test('a client that names nobody in SNI gets the leaf of the CONNECT host', async () => {
  const client = await stage.connect('api.openai.com', { servername: '' })
  client.send('GET /nameless HTTP/1.1\r\nHost: api.openai.com\r\n\r\n')
  assert.equal((await client.answer()).body, 'GET /nameless')
  client.close()
})

test('plain HTTP inside a CONNECT is served as HTTP', async () => {
  const client = await stage.raw()
  client.send(
    'CONNECT loose.test:80 HTTP/1.1\r\nHost: loose.test\r\n\r\nGET /plain HTTP/1.1\r\nHost: loose.test\r\n\r\n',
  )
  await client.until('\r\n\r\n')
  assert.equal((await client.answer()).body, 'plain /plain')
  client.close()
  assert.equal((await stage.exchange('/plain'))['port'], 80)
})

test('what is neither TLS nor HTTP is refused in an inspected tunnel', async () => {
  const client = await stage.raw()
  client.send('CONNECT api.openai.com:25 HTTP/1.1\r\nHost: api.openai.com\r\n\r\n')
  await client.until('\r\n\r\n')
  client.send('EHLO me\r\n')
  assert.equal(await client.rest(), '')
  const row = await stage.row('connections', (one) => one['port'] === 25 && one['host'] === 'api.openai.com')
  assert.deepEqual([row['handling'], row['reason']], ['deny', 'not TLS'])
})

test('a client that vanishes in the handshake leaves a row and nothing else', async () => {
  const client = await stage.raw()
  client.send('CONNECT api.openai.com:443 HTTP/1.1\r\nHost: a\r\n\r\n')
  await client.until('\r\n\r\n')
  client.send(Buffer.from([0x16, 0x03, 0x01, 0x00, 0xf0, 0x01]))
  client.end()
  await client.rest()
  await stage.row(
    'connections',
    (one) => one['host'] === 'api.openai.com' && one['handling'] !== 'inspect' && one['port'] === 443,
  )
})

test('a client that refuses the leaf is recorded with its alert, and refused again the next time', async () => {
  for (let turn = 0; turn < 2; turn += 1) await refuseLeaf('quiet.test')
  const rejected = (one: Row) => one['handling'] === 'rejected-leaf' && one['host'] === 'quiet.test'
  const rows = await stage.sallyport.rowsWhen('connections', (some) => some.filter(rejected).length === 2)
  assert.equal(rows.find(rejected)?.['reason'], 'alert unknown_ca')
})

test('onRejectedLeaf: tunnel relays the next connection of that client to that host, and no other', async () => {
  await refuseLeaf('pinned.test')
  await stage.row('connections', (one) => one['handling'] === 'rejected-leaf' && one['host'] === 'pinned.test')
  const pinned = await stage.connect('pinned.test', { ca: stage.authority.cert })
  pinned.close()
  const row = await stage.row('connections', (one) => one['host'] === 'pinned.test' && one['handling'] === 'tunnel')
  assert.equal(row['reason'], 'client rejects the leaf')
  const otherHost = await stage.connect('pinned2.test')
  otherHost.close()
  const otherClient = await stage.connect('pinned.test', { from: '127.0.0.2' })
  otherClient.close()
})

/** Says in TLS that the leaf is not to be trusted. */
async function refuseLeaf(host: string): Promise<void> {
  const client = await stage.raw()
  client.send(`CONNECT ${host}:443 HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
  await client.until('\r\n\r\n')
  client.send(await helloFor(host))
  await client.until(6)
  // RFC 5246, 7.2: a fatal alert, unknown_ca.
  client.send(Buffer.from([0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x30]))
  await client.rest()
}

/** What a TLS 1.2 client says first. */
function helloFor(host: string): Promise<Buffer> {
  return new Promise((resolve) => {
    const carrier = new Duplex({ read() {}, write: (chunk: Buffer) => resolve(chunk) })
    connectTls({ socket: carrier, servername: host, maxVersion: 'TLSv1.2' }).on('error', () => {})
  })
}
