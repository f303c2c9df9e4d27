import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { connect as connectTls } from 'node:tls'
import { after, before, test } from 'node:test'
import { startOrigin, type Origin } from '../support/origin.ts'
import { rawClient } from '../support/raw-client.ts'
import { startStage, type Row, type Stage } from '../support/stage.ts'

const hosts = [
  'api.openai.com',
  'quiet.test',
  'pinned.test',
  'pinned2.test',
  'denied.test',
  'tunnel.test',
  'loose.test',
  '192.0.2.7',
]

let stage: Stage
let echo: ReturnType<typeof createServer>
let plainOrigin: Origin

before(async () => {
  // A server that is no TLS server: it greets, then gives back what it gets.
  echo = createServer((socket) => void socket.on('error', () => {}).write('hi\n', () => socket.pipe(socket)))
  echo.listen(0, '127.0.0.1')
  await once(echo, 'listening')
  plainOrigin = await startOrigin((seen, response) => void response.end(`plain ${seen.url}`))
  const plain = { address: `127.0.0.1:${(echo.address() as AddressInfo).port}` }
  stage = await startStage((seen, response) => void response.end(`${seen.method} ${seen.url}`), {
    hosts,
    origins: { 'greets.test:25': plain, 'loose.test:80': plainOrigin, 'api.openai.com:25': plain },
    policies: {
      '10-test.yaml': {
        intercept: [
          { hosts: ['denied.test'], action: 'deny', reason: 'not for us' },
          { hosts: ['tunnel.test', 'greets.test'], action: 'tunnel' },
          { hosts: ['pinned*.test'], action: 'inspect', onRejectedLeaf: 'tunnel' },
          {
            hosts: ['catalogue', '*.test', '192.0.2.7', '127.0.0.1', '169.254.169.254', '10.1.2.3', '::1'],
            action: 'inspect',
          },
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

const refusals: [what: string, target: string, status: number, code: string, handling: string][] = [
  ['no port', 'api.openai.com', 400, 'malformed_request', 'failed'],
  ['port 0', 'api.openai.com:0', 400, 'malformed_request', 'failed'],
  ['port 65536', 'api.openai.com:65536', 400, 'malformed_request', 'failed'],
  ['a path', '../../x:443', 400, 'malformed_request', 'failed'],
  ['user information', 'me@api.openai.com:443', 400, 'malformed_request', 'failed'],
  ['a number for an address', '2130706433:443', 400, 'malformed_request', 'failed'],
  ['a hexadecimal address', '0x7f.1:443', 400, 'malformed_request', 'failed'],
  ['a URL', 'https://api.openai.com:443/', 400, 'malformed_request', 'failed'],
  ['an address in brackets that is none', '[::zz]:443', 400, 'malformed_request', 'failed'],
  ['a denied host', 'denied.test:443', 403, 'policy_denied', 'deny'],
  ['a loopback address', '127.0.0.1:9', 403, 'address_not_allowed', 'deny'],
  ['a private address', '10.1.2.3:443', 403, 'address_not_allowed', 'deny'],
  ['the metadata address', '169.254.169.254:80', 403, 'address_not_allowed', 'deny'],
  ['an IPv6 loopback', '[::1]:443', 403, 'address_not_allowed', 'deny'],
  ['an IPv4-mapped address', '[::ffff:127.0.0.1]:443', 403, 'address_not_allowed', 'deny'],
  ['a name that does not exist', 'nowhere.invalid:443', 502, 'name_not_resolved', 'failed'],
]

for (const [what, target, status, code, handling] of refusals) {
  test(`a CONNECT to ${what} is refused with ${status} ${code} and recorded`, async () => {
    const before = stage.sallyport.rows('connections').length
    const client = await stage.raw()
    client.send(`CONNECT ${target} HTTP/1.1\r\nHost: ${target.replaceAll(/.*[@/]/g, '') || 'x'}\r\n\r\n`)
    const answer = await client.answer()
    assert.deepEqual([answer.status, answer.header('sallyport-error')], [status, code])
    assert.match(answer.body, /^[^\n]+\n$/)
    await client.rest()
    const rows = await stage.sallyport.rowsWhen('connections', (some) => some.length > before)
    assert.equal(rows.length, before + 1)
    const row = rows.at(-1) as Row
    assert.deepEqual([row['handling'], row['error']], [handling, code])
  })
}

for (const name of ['127.0.0.1', 'localhost']) {
  test(`a CONNECT to the proxy itself, as ${name}, is a loop`, async () => {
    for (const port of [stage.sallyport.proxyPort, stage.sallyport.consolePort]) {
      const client = await stage.raw()
      client.send(`CONNECT ${name}:${port} HTTP/1.1\r\nHost: ${name}:${port}\r\n\r\n`)
      const answer = await client.answer()
      assert.deepEqual([answer.status, answer.header('sallyport-error')], [508, 'loop_detected'])
    }
  })
}

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

for (const [what, host] of [
  ['an inspected', 'api.openai.com'],
  ['a tunnelled', 'tunnel.test'],
] as const) {
  test(`another name in SNI closes the handshake of ${what} connection with unrecognized_name`, async () => {
    const client = await stage.raw()
    client.send(`CONNECT ${host}:443 HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
    await client.until('\r\n\r\n')
    client.socket.removeAllListeners()
    const tls = connectTls({ socket: client.socket, servername: 'loose.test', rejectUnauthorized: false })
    const [error] = (await once(tls, 'error')) as [NodeJS.ErrnoException]
    assert.match(String(error.code), /UNRECOGNIZED_NAME/)
    const row = await stage.row('connections', (one) => one['sni'] === 'loose.test' && one['host'] === host)
    assert.deepEqual([row['handling'], row['reason']], ['deny', 'mismatch'])
  })
}

const cuts: [what: string, pieces: (hello: Buffer) => Buffer[]][] = [
  ['in writes of one byte', (hello) => [...hello].map((byte) => Buffer.from([byte]))],
  ['over two records', (hello) => [splitRecord(hello, 40)]],
  [
    'over two records, cut in the second header',
    (hello) => [splitRecord(hello, 40).subarray(0, 47), splitRecord(hello, 40).subarray(47)],
  ],
  ['together with the CONNECT', (hello) => [hello]],
]

for (const [what, pieces] of cuts) {
  test(`a hello that comes ${what} is understood`, async () => {
    const client = await rawClient(stage.sallyport.proxyPort)
    client.socket.removeAllListeners('data')
    const early = what.startsWith('together')
    const connect = 'CONNECT quiet.test:443 HTTP/1.1\r\nHost: quiet.test\r\n\r\n'
    if (!early) {
      client.send(connect)
      await once(client.socket, 'data')
    }
    const tls = await handshake(client.socket, early, async (hello) => {
      if (early) return void client.socket.write(Buffer.concat([Buffer.from(connect), hello]))
      for (const piece of pieces(hello)) {
        client.socket.write(piece)
        await new Promise(setImmediate)
      }
    })
    assert.equal(tls, 'DNS:quiet.test')
    client.close()
  })
}

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

test('in a tunnel the server may speak first, and bytes are counted both ways', async () => {
  const client = await stage.raw()
  client.send('CONNECT greets.test:25 HTTP/1.1\r\nHost: greets.test\r\n\r\n')
  await client.until('\r\n\r\n')
  assert.equal(await client.until(3), 'hi\n')
  client.send('EHLO me\r\n')
  assert.equal(await client.until(9), 'EHLO me\r\n')
  client.end()
  await client.rest()
  const row = await stage.row('connections', (one) => one['host'] === 'greets.test')
  assert.deepEqual([row['handling'], row['bytes_up'], row['bytes_down'], row['error']], ['tunnel', 9, 12, null])
})

test('a tunnelled connection shows the certificate of the origin', async () => {
  const client = await stage.connect('tunnel.test', { ca: stage.authority.cert })
  client.send('GET /tunnelled HTTP/1.1\r\nHost: tunnel.test\r\nConnection: close\r\n\r\n')
  assert.equal((await client.answer()).body, 'GET /tunnelled')
  client.close()
  const row = await stage.row('connections', (one) => one['host'] === 'tunnel.test' && one['handling'] === 'tunnel')
  assert.equal(row['sni'], 'tunnel.test')
  assert.ok(!stage.sallyport.rows('exchanges').some((one) => one['path'] === '/tunnelled'))
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

/** Does a TLS handshake whose first flight is sent by `sendHello`; the names of the leaf. */
async function handshake(
  socket: Socket,
  skipHead: boolean,
  sendHello: (hello: Buffer) => Promise<void>,
): Promise<string | undefined> {
  let first = true
  let head = skipHead
  const carrier = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      if (!first) return void socket.write(chunk, () => done())
      first = false
      sendHello(chunk).then(() => done(), done)
    },
  })
  socket.on('data', (chunk: Buffer) => {
    const end = head ? chunk.indexOf('\r\n\r\n') + 4 : 0
    head = false
    if (chunk.length > end) carrier.push(chunk.subarray(end))
  })
  const tls = connectTls({ socket: carrier, servername: 'quiet.test', ca: stage.sallyport.ca() })
  await once(tls, 'secureConnect')
  const names = tls.getPeerCertificate().subjectaltname
  tls.destroy()
  return names
}

/** One handshake record as two, the first with `at` bytes of its payload. */
function splitRecord(record: Buffer, at: number): Buffer {
  const payload = record.subarray(5)
  const header = (length: number) => Buffer.from([record[0] as number, 3, 1, length >> 8, length & 0xff])
  return Buffer.concat([header(at), payload.subarray(0, at), header(payload.length - at), payload.subarray(at)])
}
