import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { data, fieldBlock, frame, headers, reset, types, type Fields } from '../support/http2-frames.ts'
import { startOrigin, type Origin } from '../support/origin.ts'
import { answered, begun, connectionRow, good, line } from '../support/http2-requests.ts'
import { startStage, type Stage } from '../support/stage.ts'
import { testAuthority } from '../support/authority.ts'

// `two.test` speaks HTTP/2, `one.test` only HTTP/1.1. Whatever asks for `/bad` must not reach either.
const authority = testAuthority()
let stage: Stage
let one: Origin

before(async () => {
  one = await startOrigin((seen, response) => void response.end(seen.url), {
    authority,
    names: ['one.test'],
    alpn: ['http/1.1'],
  })
  stage = await startStage((seen, response) => void (seen.url === '/held' || response.end('ok')), {
    authority,
    hosts: ['two.test'],
    origins: { 'one.test:443': one },
    policies: { 'a.yaml': { intercept: [{ hosts: ['*.test'], action: 'inspect' }] } },
  })
})

after(async () => {
  await stage[Symbol.asyncDispose]()
  await one.close()
})

const seen = (): string[] => [...stage.origin.seen, ...one.seen].map(({ method, url }) => `${method} ${url}`)
const bad = (): string[] => seen().filter((some) => !some.endsWith('/good'))

// What Node's library refuses itself is in the connection's row; what we refuse is an exchange.
const byLibrary: Readonly<Record<string, (host: string) => Fields>> = {
  connection: (host) => line(host, {}, [['connection', 'close']]),
  'keep-alive': (host) => line(host, {}, [['keep-alive', '1']]),
  'proxy-connection': (host) => line(host, {}, [['proxy-connection', 'close']]),
  'transfer-encoding': (host) => line(host, {}, [['transfer-encoding', 'chunked']]),
  upgrade: (host) => line(host, {}, [['upgrade', 'websocket']]),
  'te other than trailers': (host) => line(host, {}, [['te', 'gzip']]),
  'an upper-case name': (host) => line(host, {}, [['X-A', '1']]),
  'an unknown pseudo-header field': (host) => line(host, {}, [[':other', '1']]),
  'a pseudo-header field of answers': (host) => line(host, {}, [[':status', '200']]),
  'a pseudo-header field after a usual one': (host) => [['x-a', '1'], ...line(host)],
  'two :path': (host) => line(host, {}, [[':path', '/other']]),
  'two :method': (host) => line(host, {}, [[':method', 'GET']]),
  'two :authority': (host) => line(host, {}, [[':authority', host]]),
  'no :method': (host) => line(host, { ':method': undefined }),
  'no :scheme': (host) => line(host, { ':scheme': undefined }),
  'no :path': (host) => line(host, { ':path': undefined }),
  'no authority': (host) => line(host, { ':authority': undefined }),
  'an empty :path': (host) => line(host, { ':path': '' }),
  'an empty :authority': (host) => line(host, { ':authority': '' }),
  'an empty :method': (host) => line(host, { ':method': '' }),
  'an empty :scheme': (host) => line(host, { ':scheme': '' }),
  'a relative :path': (host) => line(host, { ':path': 'bad' }),
  'an absolute :path': (host) => line(host, { ':path': `https://${host}/bad` }),
  'a :path of * that is not for OPTIONS': (host) => line(host, { ':path': '*' }),
  'a request line in :path': (host) => line(host, { ':path': '/bad HTTP/1.1\r\nx-a: 1' }),
  'a space in :path': (host) => line(host, { ':path': '/bad /' }),
  'a NUL in :path': (host) => line(host, { ':path': '/bad\0' }),
  'a request line in :method': (host) => line(host, { ':method': 'GET / HTTP/1.1\r\n\r\nGET' }),
  'a :method that is no token': (host) => line(host, { ':method': 'G(T' }),
  'a space in :scheme': (host) => line(host, { ':scheme': 'https ' }),
  'user information in :authority': (host) => line(host, { ':authority': `me@${host}` }),
  'a path in :authority': (host) => line(host, { ':authority': `${host}/x` }),
  'a line end in :authority': (host) => line(host, { ':authority': `${host}\r\nx-a: 1` }),
  'two Host': (host) =>
    line(host, {}, [
      ['host', host],
      ['host', host],
    ]),
  'two Content-Length': (host) =>
    line(host, {}, [
      ['content-length', '0'],
      ['content-length', '0'],
    ]),
  'a signed Content-Length': (host) => line(host, {}, [['content-length', '+0']]),
  'Content-Length without a body': (host) => line(host, {}, [['content-length', '2']]),
}

const byUs: Readonly<Record<string, (host: string) => Fields>> = {
  'a fragment in :path': (host) => line(host, { ':path': '/bad#x' }),
  'the :scheme of another connection': (host) => line(host, { ':scheme': 'http' }),
  'an unknown :scheme': (host) => line(host, { ':scheme': 'ftp' }),
  'Host that differs from :authority': (host) => line(host, {}, [['host', 'other.test']]),
  'Host with another port than :authority': (host) => line(host, {}, [['host', `${host}:8443`]]),
  'a port of 0': (host) => line(host, { ':authority': undefined }, [['host', `${host}:0`]]),
}

for (const [what, fields] of [...Object.entries(byLibrary), ...Object.entries(byUs)]) {
  test(`a request with ${what} ends its stream, is told, and reaches no origin`, async () => {
    for (const host of ['two.test', 'one.test']) {
      const [rows, connections] = [stage.sallyport.rows('exchanges').length, stage.sallyport.rows('connections').length]
      const client = await begun(
        stage,
        host,
        headers(1, fields(host), { end: true }),
        headers(3, good(host), { end: true }),
      )
      assert.deepEqual(await answered(client, 3), { resets: [[1, 1]], ok: true })
      client.close()
      const row = await connectionRow(stage, connections)
      const refused = stage.sallyport
        .rows('exchanges')
        .slice(rows)
        .find((some) => some['path'] !== '/good')
      const told = what in byUs ? refused : row
      assert.equal(told?.['error'], 'malformed_request')
    }
    assert.deepEqual(bad(), [])
  })
}

const unwritable: Fields = [
  ['x-line', '1\r\nx-other: 2'],
  ['x-feed', '1\n'],
  ['x-nul', '1\0'],
  ['x-bell', '\x07'],
  ['x-space ', '1'],
  ['x:colon', '1'],
  ['x\xe9', '1'],
  ['', '1'],
]

test('a field that could break an HTTP/1.1 header section never goes on, nor what is in it', async () => {
  for (const host of ['two.test', 'one.test']) {
    const client = await begun(
      stage,
      host,
      headers(1, [...good(host), ...unwritable, ['x-fine', 'yes']], { end: true }),
    )
    assert.equal((await answered(client, 1)).ok, true)
    client.close()
    const last = (host === 'two.test' ? stage.origin : one).seen.at(-1)
    assert.equal(last?.header('x-fine'), 'yes')
    const names = last?.headers.filter((_, i) => i % 2 === 0).map((name) => name.toLowerCase())
    assert.deepEqual(
      names?.filter((name) => name.startsWith('x') || name === ''),
      ['x-fine'],
    )
  }
})

test('another spelling of the same authority is the same', async () => {
  for (const [authorityField, host] of [
    ['TWO.test', undefined],
    ['two.test:443', undefined],
    ['two.test', 'TWO.test:443'],
    [undefined, 'two.test'],
  ]) {
    const fields = line(
      'two.test',
      { ':path': '/good', ':authority': authorityField },
      host === undefined ? [] : [['host', host]],
    )
    const client = await begun(stage, 'two.test', headers(1, fields, { end: true }))
    assert.equal((await answered(client, 1)).ok, true)
    client.close()
  }
})

const post = (host: string, length?: string): Fields =>
  line(host, { ':method': 'POST' }, [
    ['content-type', 'text/plain'],
    ...(length === undefined ? [] : ([['content-length', length]] as const)),
  ])

const bodies: Readonly<Record<string, (host: string) => Buffer>> = {
  'is shorter than its Content-Length': (host) => Buffer.concat([headers(1, post(host, '10')), data(1, 'abc', true)]),
  'is longer than its Content-Length': (host) => Buffer.concat([headers(1, post(host, '2')), data(1, 'abc', true)]),
  'is reset with CANCEL': (host) => Buffer.concat([headers(1, post(host)), data(1, 'abc'), reset(1, 8)]),
  'is reset with NO_ERROR': (host) => Buffer.concat([headers(1, post(host)), data(1, 'abc'), reset(1, 0)]),
  'has a pseudo-header field in its trailers': (host) =>
    Buffer.concat([headers(1, post(host)), data(1, 'abc'), headers(1, [[':path', '/x']], { end: true })]),
  'has trailers that do not end it': (host) =>
    Buffer.concat([headers(1, post(host)), data(1, 'abc'), headers(1, [['x-a', '1']])]),
  'has connection in its trailers': (host) =>
    Buffer.concat([headers(1, post(host)), data(1, 'abc'), headers(1, [['connection', 'x']], { end: true })]),
}

for (const [what, frames] of Object.entries(bodies)) {
  test(`a body that ${what} is not taken for a whole one`, async () => {
    for (const host of ['two.test', 'one.test']) {
      const before = stage.sallyport.rows('exchanges').length
      const client = await begun(stage, host, frames(host))
      const rows = await stage.sallyport.rowsWhen(
        'exchanges',
        (some) => some.length > before && some.every((row) => row['state'] !== 'open'),
      )
      assert.equal(rows.at(-1)?.['error'], 'client_aborted')
      client.close()
    }
    assert.deepEqual(bad(), [])
  })
}

test('a header section beyond the limit is answered with 431 and recorded, and other streams go on', async () => {
  const long = (count: number): Buffer[] =>
    Array.from({ length: count }, (_, i) =>
      frame(types.continuation, i === count - 1 ? 4 : 0, 1, fieldBlock([[`x-${i}`, 'y'.repeat(16_000)]])),
    )
  for (const count of [5, 7]) {
    const client = await begun(
      stage,
      'two.test',
      headers(1, line('two.test'), { end: true, open: true }),
      ...long(count),
      headers(3, good('two.test'), { end: true }),
    )
    assert.equal((await answered(client, 3)).ok, true)
    client.close()
    assert.equal((await stage.row('exchanges', (some) => some['status'] === 431))['error'], 'headers_too_large')
  }
  assert.deepEqual(bad(), [])
})

test('few bytes that grow into a vast header section reset the stream', async () => {
  // One field of 3,900 bytes in the dynamic table (RFC 7541, 6.2.1), then named 8,000 times by one byte each.
  const name = Buffer.concat([Buffer.from([0x40]), fieldBlock([['x-bomb', 'y'.repeat(3_900)]]).subarray(1)])
  const block = Buffer.concat([fieldBlock(line('two.test')), name, Buffer.alloc(8_000, 0xbe)])
  const client = await begun(
    stage,
    'two.test',
    headers(1, block, { end: true }),
    headers(3, good('two.test'), { end: true }),
  )
  const { resets, ok } = await answered(client, 3)
  assert.deepEqual([resets.map(([id]) => id), ok], [[1], true])
  client.close()
  assert.deepEqual(bad(), [])
})
