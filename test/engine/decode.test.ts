import assert from 'node:assert/strict'
import { test } from 'node:test'
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import type { RawHeaders } from '../../src/core/http.ts'
import { decode, isOpaque } from '../../src/engine/decode.ts'
import { bytesBody, madeBody } from '../../src/http/body.ts'
import { bytesOf, chatRequest, chunksOf, converse, startEngine, wordRule } from '../support/engine.ts'

const engine = startEngine()
const strict = {
  limit: 1_000,
  oversize: 'block',
  unreadable: 'block',
  alwaysText: false,
  looksInto: false,
  neverBinary: false,
} as const
const text = '{"say":"é ok"}'
const bytes = Buffer.from(text)

const message = (content: Uint8Array, headers: RawHeaders) => ({ headers, body: bytesBody(content) })
const coded = (coding: string): RawHeaders => ['Content-Type', 'application/json', 'Content-Encoding', coding]

test('no body is none at all, and an empty one is a text', async () => {
  assert.deepEqual(await decode({ headers: [], body: null }, strict), { kind: 'none' })
  assert.partialDeepStrictEqual(await decode(message(Buffer.alloc(0), []), strict), { kind: 'text', text: '' })
})

test('a text comes with its codings undone, and the bytes it came in', async () => {
  const cases: [string, Buffer][] = [
    ['gzip', gzipSync(bytes)],
    ['X-GZIP', gzipSync(bytes)],
    ['deflate', deflateSync(bytes)],
    ['deflate', deflateRawSync(bytes)],
    ['br', brotliCompressSync(bytes)],
    ['zstd', zstdCompressSync(bytes)],
    ['gzip, br', brotliCompressSync(gzipSync(bytes))],
  ]
  for (const [coding, content] of cases) {
    const decoded = await decode(message(content, coded(coding)), strict)
    assert.deepEqual(decoded, { kind: 'text', bytes: content, text, charset: 'utf8', coded: true }, coding)
  }
  const plain = await decode(message(bytes, coded('identity')), strict)
  assert.deepEqual(plain, { kind: 'text', bytes, text, charset: 'utf8', coded: false })
})

test('what is not UTF-8 is read byte by byte, so that it can be written again', async () => {
  const decoded = await decode(message(Buffer.from([0x22, 0xff, 0x22]), []), strict)
  assert.partialDeepStrictEqual(decoded, { kind: 'text', charset: 'latin1', text: '"\u00ff"' })
})

const unreadable: [string, Buffer][] = [
  ['gzip', bytes],
  ['gzip', gzipSync(bytes).subarray(0, -4)],
  ['compress', bytes],
  ['gzip, gzip, gzip', gzipSync(gzipSync(gzipSync(bytes)))],
  // Small on the wire, and larger than the limit when it is read.
  ['gzip', gzipSync(Buffer.alloc(100_000))],
]

test('what cannot be decoded is refused, or passed on unread with every byte, as policy says', async () => {
  for (const [coding, content] of unreadable) {
    await assert.rejects(decode(message(content, coded(coding)), strict), { code: 'unreadable_body' }, coding)
    const decoded = await decode(message(content, coded(coding)), { ...strict, unreadable: 'allow' })
    assert.ok(decoded.kind === 'opaque')
    assert.equal(decoded.why, 'unreadable')
    assert.deepEqual(await bytesOf(decoded.body), content)
  }
})

test('a body over the limit is refused, or passed on unread from its first byte, as policy says', async () => {
  const chunks = Array.from({ length: 11 }, (_, i) => Buffer.alloc(100, i))
  const inChunks = () => ({ headers: [], body: madeBody(chunksOf(chunks), undefined) })
  await assert.rejects(decode(inChunks(), strict), { code: 'sallyport_too_large' })
  const decoded = await decode(inChunks(), { ...strict, oversize: 'allow' })
  assert.ok(decoded.kind === 'opaque')
  assert.equal(decoded.why, 'oversize')
  assert.deepEqual(await bytesOf(decoded.body), Buffer.concat(chunks))
  const atTheLimit = await decode(message(Buffer.alloc(1_000, 'a'), []), strict)
  assert.equal(atTheLimit.kind, 'text')
})

test('media without text are passed on unread, whatever their size', async () => {
  const content = Buffer.alloc(2_000, 1)
  for (const type of ['image/png', 'Audio/WAV; x=y', 'application/octet-stream', 'multipart/form-data; boundary=a']) {
    const decoded = await decode(message(content, ['content-type', type]), strict)
    assert.ok(decoded.kind === 'opaque', type)
    assert.deepEqual(await bytesOf(decoded.body), content)
  }
})

test('which media hold no text', () => {
  const cases: [boolean, string[]][] = [
    [
      true,
      ['image/png', 'video/mp4', 'font/woff', 'application/grpc+proto', 'application/x-protobuf', 'application/pdf'],
    ],
    [true, ['application/vnd.amazon.eventstream', 'application/connect+proto', 'application/wasm', 'application/zip']],
    [false, ['', 'application/json', 'text/plain', 'text/event-stream', 'application/x-www-form-urlencoded']],
    [false, ['application/vnd.api+json', 'application/x-ndjson', 'text/html', 'nonsense']],
  ]
  for (const [opaque, types] of cases) for (const type of types) assert.equal(isOpaque(type), opaque, type)
})

test('JSON under a lying label is read, but for media that are streamed where the operation is not known', async () => {
  const labels = ['image/png', 'application/octet-stream', 'application/grpc']
  const rooms = await engine.rooms(wordRule('block', 'request'))
  const body = chatRequest('about bluebird')
  for (const type of labels) {
    const known = await converse(rooms, { headers: ['content-type', type], body })
    // A refusal in gRPC is a 200 that says so in its fields.
    const status = type === 'application/grpc' ? 200 : 403
    assert.deepEqual([known.received.status, known.forwarded], [status, undefined], type)
    const unknown = await converse(rooms, { host: 'files.example', path: '/', headers: ['content-type', type], body })
    assert.equal(unknown.forwarded?.text, type === 'application/octet-stream' ? undefined : body, type)
  }
})

test('a request that is refused for its size or coding has the status and code of that', async () => {
  const rooms = await engine.rooms('', { inspectBytes: 100 })
  const cases: [RawHeaders, Buffer, number, string][] = [
    [[], Buffer.alloc(101, 'a'), 413, 'sallyport_too_large'],
    [['Content-Encoding', 'gzip'], bytes, 400, 'unreadable_body'],
  ]
  for (const [headers, body, status, code] of cases) {
    const { received, forwarded, id } = await converse(rooms, { headers, body: madeBody(chunksOf([body]), undefined) })
    assert.deepEqual([received.status, forwarded], [status, undefined])
    const row = await engine.row(id)
    assert.deepEqual([row['error'], row['decision'], row['request_body']], [code, 'block', null])
  }
})

test('UTF-16, NUL and control characters are no text: policy says what happens', async () => {
  const json = ['content-type', 'application/json']
  const hidden = [
    Buffer.from('{"a":1}', 'utf16le'),
    Buffer.from('{"a":1}\0'),
    Buffer.from(`${'\u0001'.repeat(80)}{"a":1}`),
  ]
  for (const bytes of hidden) {
    const message = { headers: json, body: bytesBody(bytes) }
    await assert.rejects(decode(message, strict), { code: 'unreadable_body' })
    assert.partialDeepStrictEqual(await decode(message, { ...strict, unreadable: 'allow' }), {
      kind: 'opaque',
      why: 'unreadable',
    })
    const labelled = { headers: ['content-type', 'image/png'], body: bytesBody(bytes) }
    await assert.rejects(decode(labelled, { ...strict, alwaysText: true, neverBinary: true }), {
      code: 'unreadable_body',
    })
    assert.equal((await decode(labelled, { ...strict, alwaysText: true })).kind, 'opaque')
  }
})

test('text under a wrong label is found where it is looked into, and media pass whole', async () => {
  const octets = ['content-type', 'application/octet-stream']
  const look = { ...strict, looksInto: true }
  assert.partialDeepStrictEqual(await decode({ headers: octets, body: bytesBody(Buffer.from('{"a":1}')) }, look), {
    kind: 'text',
    text: '{"a":1}',
  })
  assert.equal((await decode({ headers: octets, body: bytesBody(Buffer.from([0, 1, 2])) }, look)).kind, 'opaque')
  assert.equal((await decode({ headers: octets, body: bytesBody(Buffer.from('{"a":1}')) }, strict)).kind, 'opaque')
})
