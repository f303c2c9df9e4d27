import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { Duplex } from 'node:stream'
import { test } from 'node:test'
import fc from 'fast-check'
import { SallyportError } from '../../src/core/errors.ts'
import { withoutHeaders } from '../../src/core/http.ts'
import { responseParser } from '../../src/http/response-parser.ts'
import type { ResponseEvent } from '../../src/http/response-parser.ts'

/** What an answer amounts to, however its bytes were cut. */
type Read = {
  informational: [number, readonly string[]][]
  status?: number
  reason?: string
  headers?: readonly string[]
  body: string
  trailers?: readonly string[]
  rest?: string
  switched?: readonly string[]
  fault?: string
}

function read(pieces: readonly Buffer[], method = 'GET', ends = true): Read {
  const parser = responseParser(method)
  const all: Read = { informational: [], body: '' }
  try {
    for (const [i, piece] of pieces.entries()) {
      add(all, parser.push(piece))
      if (all.rest !== undefined) {
        all.rest += Buffer.concat(pieces.slice(i + 1)).toString('latin1')
        return all
      }
    }
    if (ends) add(all, parser.end())
  } catch (error) {
    assert.ok(error instanceof SallyportError, String(error))
    all.fault = error.code
  }
  return all
}

function add(all: Read, events: readonly ResponseEvent[]): void {
  for (const event of events) {
    if (event.kind === 'informational') all.informational.push([event.status, event.headers])
    else if (event.kind === 'head')
      Object.assign(all, { status: event.head.status, reason: event.head.reason, headers: event.head.headers })
    else if (event.kind === 'data') all.body += event.bytes.toString('latin1')
    else if (event.kind === 'end') Object.assign(all, { trailers: event.trailers, rest: event.rest.toString('latin1') })
    else Object.assign(all, { switched: event.headers, rest: event.rest.toString('latin1') })
  }
}

const samples: [name: string, text: string, expected: Partial<Read>][] = [
  [
    'a length',
    'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nA: b\r\n\r\nhellorest',
    { body: 'hello', rest: 'rest', headers: ['Content-Length', '5', 'A', 'b'] },
  ],
  ['no body', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n', { body: '', rest: '' }],
  [
    'chunks',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\nA\r\n, world 12\r\n0\r\n\r\nrest',
    { body: 'hello, world 12', trailers: [], rest: 'rest' },
  ],
  [
    'trailers',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-Sum: 1\r\nY: 2\r\n\r\nrest',
    { body: 'a', trailers: ['X-Sum', '1', 'Y', '2'], rest: 'rest' },
  ],
  [
    'the end of the connection',
    'HTTP/1.1 200 OK\r\n\r\neverything\r\n\r\n',
    { body: 'everything\r\n\r\n', trailers: [] },
  ],
  [
    'informational answers',
    'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 204 No Content\r\n\r\nrest',
    {
      informational: [
        [100, []],
        [103, ['Link', '</a>']],
      ],
      status: 204,
      rest: 'rest',
    },
  ],
  [
    'another protocol',
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\nframes\r\n\r\n',
    { switched: ['Upgrade', 'websocket'], rest: 'frames\r\n\r\n' },
  ],
]
for (const [name, text, expected] of samples) {
  test(`an answer with ${name} reads the same at every cut, and byte by byte`, () => {
    const bytes = Buffer.from(text, 'latin1')
    const whole = read([bytes])
    assert.equal(whole.fault, undefined)
    for (const [key, value] of Object.entries(expected)) assert.deepEqual(whole[key as keyof Read], value, key)
    for (let cut = 0; cut <= bytes.length; cut += 1)
      assert.deepEqual(read([bytes.subarray(0, cut), bytes.subarray(cut)]), whole)
    assert.deepEqual(read(Array.from(bytes, (byte) => Buffer.from([byte]))), whole)
  })

  test(`an answer with ${name} that ends early is known to be incomplete`, () => {
    const bytes = Buffer.from(text, 'latin1')
    const close = text.indexOf('everything')
    const rest = read([bytes]).rest?.length ?? 0
    for (let cut = 0; cut < (close === -1 ? bytes.length - rest : close); cut += 1) {
      assert.equal(read([bytes.subarray(0, cut)]).fault, 'upstream_closed', `cut at ${cut}`)
    }
  })
}

test('an answer to HEAD has no body, whatever it declares', () => {
  assert.deepEqual(read([Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n')], 'HEAD').body, '')
})

const broken: [why: string, text: string][] = [
  ['a chunk longer than its size', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n'],
  ['a chunk that ends in a bare LF', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\n'],
  ['a bad chunk size', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n'],
  ['a trailer that frames', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 1\r\n\r\n'],
  ['a bare LF in trailers', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: b\n\r\n'],
  ['bare LFs, with no end of the head in sight', 'HTTP/1.1 200 OK\nA: b\n\n'],
  ['another protocol, before its first line ends', 'SSH-2'],
  ['an endless head', `HTTP/1.1 200 OK\r\n${'a: b\r\n'.repeat(50_000)}`],
  ['a head that is too large', `HTTP/1.1 200 OK\r\na: ${'b'.repeat(262_144)}\r\n\r\n`],
  ['endless informational answers', 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n'.repeat(10_000)],
  ['endless trailers', `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n${'a: b\r\n'.repeat(50_000)}`],
]
for (const [why, text] of broken) {
  test(`${why} breaks HTTP, and is not waited for`, () => {
    const bytes = Buffer.from(text, 'latin1')
    assert.equal(read([bytes], 'GET', false).fault, 'upstream_invalid')
    const pieces: Buffer[] = []
    for (let at = 0; at < bytes.length; at += 1_000) pieces.push(bytes.subarray(at, at + 1_000))
    assert.equal(read(pieces, 'GET', false).fault, 'upstream_invalid')
    if (bytes.length < 1_000)
      assert.equal(
        read(
          Array.from(bytes, (byte) => Buffer.from([byte])),
          'GET',
          false,
        ).fault,
        'upstream_invalid',
      )
  })
}

test('body bytes are parts of what was pushed, not copies', () => {
  const bytes = Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello')
  const data = responseParser('GET').push(bytes)[1]
  assert.ok(data?.kind === 'data' && data.bytes.buffer === bytes.buffer)
})

test('nothing may be pushed after the end', () => {
  const parser = responseParser('GET')
  parser.push(Buffer.from('HTTP/1.1 204 No Content\r\n\r\n'))
  assert.deepEqual(parser.end(), [])
  assert.throws(() => parser.push(Buffer.from('x')), { code: 'upstream_invalid' })
})

// Node's own client as the second opinion, on answers that were made, and on the same answers damaged.

const token = fc
  .string({ unit: fc.constantFrom(...'abcXYZ09-_.!'), minLength: 1, maxLength: 8 })
  .map((name) => `x-${name}`)
const value = fc.string({ unit: fc.constantFrom(...'abc XYZ\t"=;,é:'), maxLength: 12 })
const fields = fc.array(fc.tuple(token, value), { maxLength: 4 })
const bytesOf = fc.string({ unit: fc.constantFrom('a', '\r', '\n', '0', ' '), maxLength: 12 })
const answers = fc
  .record({
    status: fc.constantFrom(200, 204, 304, 404, 599),
    fields,
    trailers: fields,
    chunks: fc.array(bytesOf, { maxLength: 3 }),
    framing: fc.constantFrom('length', 'chunked', 'close'),
  })
  .map(({ status, fields, trailers, chunks, framing }) => {
    const lines = (list: readonly (readonly [string, string])[]): string =>
      list.map(([name, text]) => `${name}: ${text}\r\n`).join('')
    const start = `HTTP/1.1 ${status} Some reason\r\n${lines(fields)}`
    if (framing === 'chunked') {
      const coded = chunks
        .filter((chunk) => chunk !== '')
        .map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`)
      return `${start}Transfer-Encoding: chunked\r\n\r\n${status === 204 || status === 304 ? '' : `${coded.join('')}0\r\n${lines(trailers)}\r\n`}`
    }
    const body = status === 204 || status === 304 ? '' : chunks.join('')
    return framing === 'length'
      ? `${start}Content-Length: ${chunks.join('').length}\r\n\r\n${body}`
      : `${start}\r\n${body}`
  })

test("what Node's client reads from an answer, we read", async () => {
  await fc.assert(
    fc.asyncProperty(answers, fc.nat(200), async (text, at) => {
      const bytes = Buffer.from(text, 'latin1')
      const cut = at % (bytes.length + 1)
      const ours = read([bytes.subarray(0, cut), bytes.subarray(cut)])
      assert.deepEqual(picked(ours), await nodeReads(bytes))
    }),
    { numRuns: 150 },
  )
})

test("what we read from a damaged answer, Node's client reads the same, or not at all", async () => {
  const damage = fc.tuple(
    fc.nat(),
    fc.constantFrom('\0', '\n', '\r', ' ', ':', ',', 'a', '0', '', '\r\n'),
    fc.boolean(),
  )
  await fc.assert(
    fc.asyncProperty(answers, damage, async (text, [place, put, over]) => {
      const at = place % text.length
      const bytes = Buffer.from(text.slice(0, at) + put + text.slice(over ? at + 1 : at), 'latin1')
      const ours = read([bytes])
      if (ours.fault !== undefined) return
      const node = await nodeReads(bytes)
      // Strictness is ours to choose; what must never be is that both accept and differ.
      if (node !== undefined) assert.deepEqual(picked(ours), node)
    }),
    { numRuns: 300 },
  )
})

test('random bytes throw nothing but our own errors', () => {
  const start = fc.constantFrom('', 'HTTP/1.1 200 OK\r\n', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n')
  fc.assert(
    fc.property(
      start,
      fc.array(fc.uint8Array({ maxLength: 30 })),
      (head, pieces) => void read([Buffer.from(head), ...pieces.map((piece) => Buffer.from(piece))]),
    ),
    { numRuns: 500 },
  )
})

type Picked =
  | {
      status: number | undefined
      reason: string | undefined
      headers: readonly string[]
      body: string
      trailers: readonly string[]
    }
  | undefined

function picked({ status, reason, headers, body, trailers, fault }: Read): Picked {
  return fault === undefined ? { status, reason, headers: headers ?? [], body, trailers: trailers ?? [] } : undefined
}

async function nodeReads(bytes: Buffer): Promise<Picked> {
  const wire = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() })
  const sent = request({ createConnection: () => wire as never, setHost: false, path: '/' })
  // A second fault, after the answer, is nobody's.
  sent.on('error', () => undefined).end()
  setImmediate(() => {
    wire.push(bytes)
    wire.push(null)
  })
  try {
    const [answer] = (await once(sent, 'response')) as [IncomingMessage]
    const body = Buffer.concat(await Array.fromAsync(answer as AsyncIterable<Buffer>)).toString('latin1')
    return {
      status: answer.statusCode,
      reason: answer.statusMessage,
      // A length where there is no content is left out here.
      headers: answer.statusCode === 204 ? withoutHeaders(answer.rawHeaders, length) : answer.rawHeaders,
      body,
      trailers: answer.rawTrailers,
    }
  } catch {
    return undefined
  } finally {
    wire.destroy()
  }
}

const length = new Set(['content-length'])
