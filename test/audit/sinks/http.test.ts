import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { httpClient, type HttpOptions, refusal, retryAfter } from '../../../src/audit/sinks/http.ts'
import { testAuthority } from '../../support/authority.ts'
import { httpReceiver, type Reply } from '../../support/http-receiver.ts'
import { tempFolder } from '../../support/temp.ts'

const forever = new AbortController().signal
const post = { path: '/in', headers: { authorization: 'Splunk made-up' }, body: 'hello' }
const open = (url: string, changes: Partial<HttpOptions> = {}) => httpClient({ url, timeoutMs: 5_000, ...changes })
const fine = (): Reply => ({ status: 200, body: 'fine' })

const authority = testAuthority()
const folder = tempFolder('sink-http')
const file = (name: string, pem: string): string => {
  writeFileSync(join(folder, name), pem)
  return join(folder, name)
}
const ca = file('ca.pem', authority.cert)
const server = { ...authority.issue(['127.0.0.1', 'localhost']) }
const client = authority.issue(['gate'], { usage: 'client' })
const identity = { clientCert: file('client.pem', client.cert), clientKey: file('client.key', client.key) }

test('one connection serves all', async () => {
  await using receiver = await httpReceiver(fine)
  const http = open(receiver.url)
  for (let n = 0; n < 3; n++) assert.equal((await http.post(post, forever)).status, 200)
  http.close()
  assert.equal(receiver.connections(), 1)
  assert.deepEqual(
    receiver.seen.map(({ path }) => path),
    ['/in', '/in', '/in'],
  )
})

test('a kept connection that broke says nothing about the receiver', async () => {
  await using receiver = await httpReceiver(fine)
  const http = open(receiver.url)
  await http.post(post, forever)
  receiver.replies.push('cut')
  assert.equal((await http.post(post, forever)).status, 200)
  http.close()
  assert.equal(receiver.connections(), 2)
})

const failures: [string, Reply, RegExp][] = [
  ['a cut connection', 'cut', /ECONNRESET/],
  ['half an answer', 'half', /ECONNRESET/],
  ['silence', 'silence', /did not answer within 300 ms/],
]

for (const [what, reply, message] of failures) {
  test(`${what} is no delivery`, async () => {
    await using receiver = await httpReceiver(fine)
    receiver.replies.push(reply, reply)
    const http = open(receiver.url, reply === 'silence' ? { timeoutMs: 300 } : {})
    await assert.rejects(http.post(post, forever), { name: 'SinkError', message })
    http.close()
  })
}

test('nobody there is told, without the path, the query or the credentials', async () => {
  const gone = await httpReceiver(fine)
  await gone[Symbol.asyncDispose]()
  const http = open(`http://user:made-up@127.0.0.1:${gone.port}/made-up?key=made-up`)
  await assert.rejects(http.post(post, forever), (thrown) => {
    assert.equal(
      String(thrown),
      `SinkError: cannot deliver to 127.0.0.1:${gone.port}: ECONNREFUSED: nothing listens there`,
    )
    return true
  })
  http.close()
})

test('the signal ends a request with its reason', async () => {
  await using receiver = await httpReceiver(fine)
  receiver.replies.push('silence')
  const http = open(receiver.url)
  const stopping = new AbortController()
  const sending = http.post(post, stopping.signal)
  setTimeout(() => stopping.abort(new Error('stopping')), 50)
  await assert.rejects(sending, { message: 'stopping' })
  await assert.rejects(http.post(post, stopping.signal), { message: 'stopping' })
  http.close()
  assert.equal(receiver.seen.length, 1)
})

test('an answer is read up to its bound', async () => {
  await using receiver = await httpReceiver(() => ({ status: 200, body: Buffer.alloc(3_000_000, 0x61) }))
  const http = open(receiver.url)
  const { cut, body } = await http.post({ ...post, mostBytes: 1_000 }, forever)
  assert.ok(cut)
  assert.ok(body.length <= 1_000)
  assert.equal((await http.post({ ...post, mostBytes: 3_000_000 }, forever)).cut, false)
  http.close()
})

test('user and password of the URL are a header, and what the sink says goes before', async () => {
  await using receiver = await httpReceiver(fine)
  const http = open(receiver.url.replace('//', '//ada:p%40ss@'))
  await http.post({ ...post, headers: {} }, forever)
  await http.post(post, forever)
  http.close()
  const basic = `Basic ${Buffer.from('ada:p@ss').toString('base64')}`
  assert.deepEqual(
    receiver.seen.map(({ headers }) => headers.authorization),
    [basic, 'Splunk made-up'],
  )
})

test('a token with a line end in it is told without the token', async () => {
  await using receiver = await httpReceiver(fine)
  const http = open(receiver.url)
  const sending = http.post({ ...post, headers: { authorization: 'Splunk made-up\n' } }, forever)
  await assert.rejects(sending, (thrown) => {
    assert.match(String(thrown), /^SinkError: .* character that HTTP does not allow$/)
    return true
  })
  http.close()
})

const sixes = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === '::1'))

test('an address of IPv6 stands in brackets', { skip: !sixes && 'this machine has no IPv6' }, async () => {
  const server = createServer((_, response) => response.end('fine')).listen(0, '::1')
  await once(server, 'listening')
  const http = open(`http://[::1]:${(server.address() as AddressInfo).port}`)
  assert.equal((await http.post(post, forever)).status, 200)
  http.close()
  server.close()
})

test('the path of the URL comes before, and its query stays', async () => {
  await using receiver = await httpReceiver(fine)
  for (const [end, path] of [
    ['/a/', '/b'],
    ['/a?x=1', '/b?y=2'],
    ['/a/?x=1', ''],
    ['', ''],
  ] as const) {
    const http = open(receiver.url + end)
    await http.post({ ...post, path }, forever)
    http.close()
  }
  assert.deepEqual(
    receiver.seen.map(({ path }) => path),
    ['/a/b', '/a/b?y=2&x=1', '/a/?x=1', '/'],
  )
})

test('TLS is verified against the named authority alone, with a certificate of our own', async () => {
  await using receiver = await httpReceiver(fine, { tls: { ...server, ca: authority.cert, requestCert: true } })
  const http = open(receiver.url, { ca, ...identity })
  assert.equal((await http.post(post, forever)).status, 200)
  http.close()
})

test('a name in the URL is the name in the certificate', async () => {
  await using receiver = await httpReceiver(fine, { tls: server })
  const http = open(`https://localhost:${receiver.port}`, { ca })
  assert.equal((await http.post(post, forever)).status, 200)
  http.close()
})

const other = testAuthority('another')
const refused: [string, Partial<HttpOptions>, { cert: string; key: string }, RegExp][] = [
  ['an authority that nobody knows', {}, server, /UNABLE_TO_(VERIFY|GET)/],
  ['another authority', { ca: file('other.pem', other.cert) }, server, /UNABLE_TO_(VERIFY|GET)/],
  ['another name', { ca }, authority.issue(['elsewhere.example']), /ALTNAME_INVALID/],
  ['an expired certificate', { ca }, authority.issue(['127.0.0.1'], { notAfter: -60_000 }), /EXPIRED/],
]

for (const [what, options, certificate, message] of refused) {
  test(`${what}: nothing is sent`, async () => {
    await using receiver = await httpReceiver(fine, { tls: certificate })
    const http = open(receiver.url, options)
    await assert.rejects(http.post(post, forever), { name: 'SinkError', message })
    http.close()
    assert.equal(receiver.seen.length, 0)
  })
}

test('a receiver that wants a certificate and gets none', async () => {
  await using receiver = await httpReceiver(fine, {
    tls: { ...server, ca: authority.cert, requestCert: true, rejectUnauthorized: true },
  })
  const http = open(receiver.url, { ca })
  await assert.rejects(http.post(post, forever), { name: 'SinkError' })
  http.close()
  assert.equal(receiver.seen.length, 0)
})

const waits: [string | undefined, number | undefined][] = [
  [undefined, undefined],
  ['3', 3_000],
  ['0', 0],
  ['999999999', 3_600_000],
  ['Wed, 21 Oct 2015 07:28:05 GMT', 5_000],
  ['Wed, 21 Oct 2015 07:27:00 GMT', 0],
  ['soon', undefined],
]

for (const [said, wanted] of waits) {
  test(`Retry-After ${said}: ${wanted} ms`, () => {
    const now = () => Date.parse('2015-10-21T07:28:00Z')
    assert.equal(retryAfter({ headers: said === undefined ? {} : { 'retry-after': said } }, now), wanted)
  })
}

test('a refusal takes the wait along', () => {
  const answer = { status: 503, headers: { 'retry-after': '2' }, body: Buffer.alloc(0), cut: false }
  assert.equal((refusal(answer, 'it', () => 0) as { retryAfterMs?: number }).retryAfterMs, 2_000)
})
