import assert from 'node:assert/strict'
import { once } from 'node:events'
import net from 'node:net'
import test from 'node:test'
import tls from 'node:tls'
import * as fc from 'fast-check'
import { peekClientHello } from '../../src/tls/client-hello.ts'

const offers: { what: string; options: tls.ConnectionOptions; expect: Partial<ReturnType<typeof peekClientHello>> }[] =
  [
    {
      what: 'a usual client',
      options: { servername: 'api.Example.COM', ALPNProtocols: ['h2', 'http/1.1'] },
      expect: { sni: 'api.example.com', alpn: ['h2', 'http/1.1'], versions: [0x0304, 0x0303], ech: false },
    },
    { what: 'no SNI and no ALPN', options: { servername: '' }, expect: { sni: undefined, alpn: [] } },
    {
      what: 'TLS 1.2 only',
      options: { servername: 'a.b', maxVersion: 'TLSv1.2' },
      expect: { sni: 'a.b', versions: [0x0303] },
    },
    {
      what: 'TLS 1.0 only',
      options: { servername: 'old', minVersion: 'TLSv1', maxVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' },
      expect: { sni: 'old', versions: [0x0301] },
    },
  ]

for (const { what, options, expect } of offers) {
  test(`the hello of ${what} is read, and every prefix of it asks for more`, async () => {
    const bytes = await helloOf(options)
    const hello = peekClientHello(bytes)
    assert.partialDeepStrictEqual(hello, { kind: 'hello', length: bytes.length, ...expect })
    for (let cut = 0; cut < bytes.length; cut += 1) {
      assert.deepEqual(peekClientHello(bytes.subarray(0, cut)), { kind: 'more' }, `cut at ${cut}`)
    }
    assert.deepEqual(peekClientHello(Buffer.concat([bytes, Buffer.from('later')])), hello)
  })
}

test('a hello split over records at any places is the same hello, at every cut', async () => {
  const bytes = await helloOf({ servername: 'split.example', ALPNProtocols: ['h2'] })
  const plain = peekClientHello(bytes)
  fc.assert(
    fc.property(fc.uniqueArray(fc.integer({ min: 1, max: bytes.length - 6 }), { maxLength: 6 }), (places) => {
      const split = intoRecords(bytes.subarray(5), places)
      assert.deepEqual(peekClientHello(split), { ...plain, length: split.length })
      for (let cut = 0; cut < split.length; cut += 1) assert.equal(peekClientHello(split.subarray(0, cut)).kind, 'more')
    }),
    { numRuns: 20 },
  )
  const single = intoRecords(
    bytes.subarray(5),
    Array.from({ length: bytes.length - 6 }, (_, i) => i + 1),
  )
  assert.deepEqual(peekClientHello(single), { ...plain, length: single.length })
})

test('a hello of more than one full record is read', () => {
  const bytes = hello([[0xaaaa, Buffer.alloc(10)], sni('big.example'), [21, Buffer.alloc(40_000)]])
  assert.partialDeepStrictEqual(peekClientHello(bytes), { kind: 'hello', sni: 'big.example', length: bytes.length })
})

const names: [raw: string, expected: string | undefined | 'invalid'][] = [
  ['API.OpenAI.com', 'api.openai.com'],
  ['api.openai.com.', 'api.openai.com'],
  ['localhost', 'localhost'],
  ['xn--bcher-kva.example', 'xn--bcher-kva.example'],
  ['my_host.example', 'my_host.example'],
  ['127.0.0.1', undefined],
  ['::1', undefined],
  ['[::1]', undefined],
  ['', 'invalid'],
  ['.', 'invalid'],
  ['a..b', 'invalid'],
  ['a b', 'invalid'],
  ['a\0.example', 'invalid'],
  ['../../x', 'invalid'],
  ['bücher.example', 'invalid'],
  ['-a.example', 'invalid'],
  [`${'a'.repeat(64)}.example`, 'invalid'],
  [`${'a.'.repeat(130)}example`, 'invalid'],
]

for (const [raw, expected] of names) {
  test(`SNI ${JSON.stringify(raw.slice(0, 24))} reads as ${expected?.slice(0, 24)}`, () => {
    const peek = peekClientHello(hello([sni(raw)]))
    if (expected === 'invalid') assert.equal(peek.kind, 'invalid')
    else assert.deepEqual(peek.kind === 'hello' && [peek.sni], [expected])
  })
}

test('GREASE is ignored, and encrypted client hello is noticed', () => {
  const peek = peekClientHello(
    hello([
      [0x1a1a, Buffer.alloc(0)],
      [43, Buffer.from([6, 0x7a, 0x7a, 3, 4, 3, 3])],
      [16, Buffer.from([0, 6, 2, 0x2a, 0x2a, 2, 0x68, 0x32])],
      [0xfe0d, Buffer.from([0])],
    ]),
  )
  assert.partialDeepStrictEqual(peek, { versions: [0x0304, 0x0303], alpn: ['h2'], ech: true, sni: undefined })
})

const refused: [what: string, bytes: Buffer, kind: 'invalid' | 'not-tls'][] = [
  ['plain HTTP', Buffer.from('GET / HTTP/1.1\r\n'), 'not-tls'],
  ['SSH', Buffer.from('SSH-2.0-OpenSSH_9.9\r\n'), 'not-tls'],
  ['an SSLv2 hello', Buffer.from([0x80, 0x2e, 1, 0, 2]), 'not-tls'],
  ['a wrong major version', Buffer.from([22, 2, 0]), 'not-tls'],
  ['an empty record', Buffer.from([22, 3, 1, 0, 0]), 'invalid'],
  ['a record that is too long', Buffer.from([22, 3, 1, 0x40, 1]), 'invalid'],
  ['a ServerHello', Buffer.from([22, 3, 3, 0, 4, 2]), 'invalid'],
  ['a hello over 64 KB', Buffer.from([22, 3, 1, 0, 4, 1, 1, 0, 1]), 'invalid'],
  ['an alert inside the hello', Buffer.from([22, 3, 1, 0, 1, 1, 21, 3, 1, 0, 2]), 'invalid'],
  ['the same extension twice', hello([sni('a.example'), sni('b.example')]), 'invalid'],
  ['two names in SNI', hello([[0, vector16(Buffer.concat([entry('a.example'), entry('b.example')]))]]), 'invalid'],
  ['a name longer than its list', hello([[0, Buffer.from([0, 5, 0, 0, 9, 0x61, 0x62])]]), 'invalid'],
  ['an empty ALPN name', hello([[16, Buffer.from([0, 1, 0])]]), 'invalid'],
]

for (const [what, bytes, kind] of refused) {
  test(`${what} is ${kind}, and no prefix of it is a hello`, () => {
    assert.equal(peekClientHello(bytes).kind, kind)
    for (let cut = 0; cut < bytes.length; cut += 1) {
      assert.ok(['more', kind].includes(peekClientHello(bytes.subarray(0, cut)).kind))
    }
  })
}

test('random bytes, and a hello with some bytes changed, never throw', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => void peekClientHello(bytes)))
  const good = hello([sni('a.example'), [16, Buffer.from([0, 3, 2, 0x68, 0x32])]])
  const change = fc.tuple(fc.nat(good.length - 1), fc.nat(255))
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
      const bytes = Buffer.from(good)
      for (const [at, value] of changes) bytes[at] = value
      assert.ok(['more', 'hello', 'not-tls', 'invalid'].includes(peekClientHello(bytes).kind))
    }),
    { numRuns: 2000 },
  )
})

/** What node:tls (OpenSSL) really sends first. */
async function helloOf(options: tls.ConnectionOptions): Promise<Buffer> {
  const server = net.createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = tls.connect({ ...options, host: '127.0.0.1', port: (server.address() as net.AddressInfo).port })
  client.on('error', () => undefined)
  const [socket] = (await once(server, 'connection')) as [net.Socket]
  let bytes: Buffer = Buffer.alloc(0)
  while (bytes.length < 5 || bytes.length < 5 + bytes.readUInt16BE(3)) {
    const [chunk] = (await once(socket, 'data')) as [Buffer]
    bytes = Buffer.concat([bytes, chunk])
  }
  client.destroy()
  socket.destroy()
  server.close()
  return bytes
}

function hello(extensions: [type: number, data: Buffer][]): Buffer {
  const list = extensions.map(([type, data]) => Buffer.concat([Buffer.from([type >> 8, type & 255]), vector16(data)]))
  const body = Buffer.concat([
    Buffer.from([3, 3]),
    Buffer.alloc(32, 7),
    Buffer.from([0, 0, 2, 0x13, 0x01, 1, 0]),
    vector16(Buffer.concat(list)),
  ])
  const message = Buffer.concat([
    Buffer.from([1, body.length >> 16, (body.length >> 8) & 255, body.length & 255]),
    body,
  ])
  return intoRecords(message, [16_384, 32_768])
}

function sni(name: string): [number, Buffer] {
  return [0, vector16(entry(name))]
}

function entry(name: string): Buffer {
  return Buffer.concat([Buffer.from([0]), vector16(Buffer.from(name, 'latin1'))])
}

function vector16(data: Buffer): Buffer {
  return Buffer.concat([Buffer.from([data.length >> 8, data.length & 255]), data])
}

function intoRecords(message: Buffer, places: readonly number[]): Buffer {
  const ends = [...places.filter((place) => place < message.length), message.length].sort((a, b) => a - b)
  let start = 0
  const records: Buffer[] = []
  for (const end of ends) {
    records.push(Buffer.from([22, 3, 1]), vector16(message.subarray(start, end)))
    start = end
  }
  return Buffer.concat(records)
}
