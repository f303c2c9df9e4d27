import assert from 'node:assert/strict'
import { test } from 'node:test'
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { contentCodings, decodeContent, decodingStream } from '../../src/http/encoding.ts'

const text = Buffer.from('{"a":"b"}'.repeat(50))
const coded: [string, Buffer][] = [
  ['gzip', gzipSync(text)],
  ['x-gzip', gzipSync(text)],
  ['deflate', deflateSync(text)],
  ['deflate', deflateRawSync(text)],
  ['br', brotliCompressSync(text)],
  ['zstd', zstdCompressSync(text)],
]

test('every coding is undone, also two on top of each other', async () => {
  for (const [coding, bytes] of coded) assert.deepEqual(await decodeContent(bytes, [coding], 10_000), text, coding)
  assert.deepEqual(await decodeContent(gzipSync(brotliCompressSync(text)), ['br', 'gzip'], 10_000), text)
})

test('an untrue label, an unknown coding, a bomb and a tower of codings are undecodable', async () => {
  assert.equal(await decodeContent(text, ['gzip'], 10_000), undefined)
  assert.equal(await decodeContent(text, ['rot13'], 10_000), undefined)
  assert.equal(await decodeContent(gzipSync(Buffer.alloc(10_000_000)), ['gzip'], 1_000_000), undefined)
  assert.equal(await decodeContent(gzipSync(text).subarray(0, 20), ['gzip'], 10_000), undefined)
  assert.equal(await decodeContent(text, ['gzip', 'gzip', 'gzip'], 10_000), undefined)
})

test('codings are read from all fields in order', () => {
  assert.deepEqual(contentCodings(['Content-Encoding', 'br, identity', 'content-encoding', 'GZIP']), ['br', 'gzip'])
})

test('there is a stream for each coding and none for others', () => {
  for (const [coding] of coded) assert.ok(decodingStream(coding))
  assert.equal(decodingStream('rot13'), undefined)
})
