import assert from 'node:assert/strict'
import { test } from 'node:test'
import { brotliCompressSync, constants, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import fc from 'fast-check'
import { UntrueCoding } from '../../src/http/decoder.ts'
import { canDecode, contentCodings, decodeContent, decodedStream } from '../../src/http/encoding.ts'

const text = Buffer.from('{"a":"b"}'.repeat(50))
const coded: [string, Buffer][] = [
  ['gzip', gzipSync(text)],
  ['x-gzip', gzipSync(text)],
  ['deflate', deflateSync(text)],
  ['deflate', deflateRawSync(text)],
  ['br', brotliCompressSync(text)],
  ['zstd', zstdCompressSync(text)],
]

const content = (bytes: Buffer) => ({ kind: 'content', bytes })
const undecodable = { kind: 'undecodable' }

test('every coding is undone, also two on top of each other', async () => {
  for (const [coding, bytes] of coded)
    assert.deepEqual(await decodeContent(bytes, [coding], 10_000), content(text), coding)
  assert.deepEqual(await decodeContent(gzipSync(brotliCompressSync(text)), ['br', 'gzip'], 10_000), content(text))
})

test('content that is empty is that in every coding, with and without an empty frame of it', async () => {
  const none = Buffer.alloc(0)
  const frames: [string, Buffer][] = [
    ['gzip', gzipSync(none)],
    ['deflate', deflateSync(none)],
    ['deflate', deflateRawSync(none)],
    ['br', brotliCompressSync(none)],
    ['zstd', zstdCompressSync(none)],
  ]
  for (const [coding, bytes] of frames) {
    assert.deepEqual(await decodeContent(bytes, [coding], 10), content(none), coding)
    assert.deepEqual(await decodeContent(none, [coding], 10), content(none), coding)
  }
})

test('an untrue label, an unknown coding, a bomb and a tower of codings are undecodable', async () => {
  assert.deepEqual(await decodeContent(text, ['gzip'], 10_000), undecodable)
  assert.deepEqual(await decodeContent(text, ['rot13'], 10_000), undecodable)
  assert.deepEqual(await decodeContent(gzipSync(Buffer.alloc(10_000_000)), ['gzip'], 1_000_000), undecodable)
  assert.deepEqual(await decodeContent(gzipSync(text).subarray(0, 20), ['gzip'], 10_000), undecodable)
  assert.deepEqual(await decodeContent(text, ['gzip', 'gzip', 'gzip'], 10_000), undecodable)
})

test('all members of a gzip file and all frames of zstd are read: no reader sees more', async () => {
  assert.deepEqual(
    await decodeContent(Buffer.concat([gzipSync('one'), gzipSync(' two')]), ['gzip'], 100),
    content(Buffer.from('one two')),
  )
  const frames = Buffer.concat([zstdCompressSync('one'), zstdCompressSync(' two')])
  assert.deepEqual(await decodeContent(frames, ['zstd'], 100), content(Buffer.from('one two')))
})

test('bytes after the end are undecodable: one reader sees them and another does not', async () => {
  for (const [coding, bytes] of coded)
    for (const more of ['junk', '\0\0\0\0', coding === 'zstd' || coding.endsWith('gzip') ? '\0' : bytes])
      assert.deepEqual(
        await decodeContent(Buffer.concat([bytes, Buffer.from(more)]), [coding], 10_000),
        undecodable,
        `${coding} and ${String(more)}`,
      )
})

test('what will be held is asked for before it is, and refused in time', async () => {
  const asked: number[] = []
  const take = (bytes: number): boolean => asked.push(bytes) < 3
  const packed = gzipSync(Buffer.alloc(1_000_000))
  assert.deepEqual(await decodeContent(packed, ['gzip'], 2_000_000, take), { kind: 'full' })
  assert.equal(asked.length, 3)
})

test('codings are read from all fields in order', () => {
  assert.deepEqual(contentCodings(['Content-Encoding', 'br, identity', 'content-encoding', 'GZIP']), ['br', 'gzip'])
})

test('each coding is known, and no other', () => {
  for (const [coding] of coded) assert.ok(canDecode([coding]))
  for (const unknown of ['rot13', 'compress', '__proto__', 'constructor']) assert.ok(!canDecode([unknown]), unknown)
  assert.ok(!canDecode(['gzip', 'gzip', 'gzip']))
})

test('a bomb in a stream is stopped early, and dense text is not', async () => {
  const dense = Buffer.from('data: {"delta":"word"}\n\n'.repeat(100_000))
  assert.equal(await sizeOf(decodedStream(only(gzipSync(dense)), ['gzip'])), dense.length)
  const bomb = brotliCompressSync(Buffer.alloc(200_000_000))
  await assert.rejects(sizeOf(decodedStream(only(bomb), ['br'])), UntrueCoding)
})

test('a zstd window larger than HTTP allows is refused before memory is taken for it', async () => {
  const wide = zstdCompressSync(Buffer.from('x'), { params: { [constants.ZSTD_c_windowLog]: 27 } })
  // The frame header of one that says 128 MB: no single segment, window descriptor 17 << 3.
  const claims = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 17 << 3, 0x01, 0x00, 0x00])
  assert.deepEqual(await decodeContent(claims, ['zstd'], 1_000), undecodable)
  assert.deepEqual(await decodeContent(wide, ['zstd'], 1_000), content(Buffer.from('x')))
})

test('decoding over any cut of the coded bytes equals decoding the whole', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...coded),
      fc.uint8Array({ maxLength: 400 }),
      fc.array(fc.nat({ max: 400 }), { maxLength: 5 }),
      async ([coding], plain, cuts) => {
        const packed = packers[coding]?.(plain) as Buffer
        const at = [...cuts.map((cut) => Math.min(cut, packed.length)), 0, packed.length].toSorted((a, b) => a - b)
        const pieces = at.slice(1).map((end, i) => packed.subarray(at[i], end))
        assert.deepEqual(
          Buffer.concat(await Array.fromAsync(decodedStream(each(pieces), [coding]))),
          Buffer.from(plain),
        )
      },
    ),
    { numRuns: 150 },
  )
})

test('random bytes are content or undecodable, and never more than that', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('gzip', 'deflate', 'br', 'zstd'),
      fc.uint8Array({ maxLength: 300 }),
      fc.nat({ max: 300 }),
      async (coding, bytes, spoiled) => {
        const real = packers[coding]?.(Buffer.from('{"a":"b"}'.repeat(30))) as Buffer
        const mixed = Buffer.concat([real.subarray(0, Math.min(spoiled, real.length)), bytes])
        for (const some of [Buffer.from(bytes), mixed])
          assert.match((await decodeContent(some, [coding], 10_000)).kind, /^(content|undecodable)$/)
      },
    ),
    { numRuns: 150 },
  )
})

async function* each(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks
}

const only = (bytes: Uint8Array): AsyncIterable<Uint8Array> => each([bytes])

async function sizeOf(chunks: AsyncIterable<Uint8Array>): Promise<number> {
  let size = 0
  for await (const chunk of chunks) size += chunk.length
  return size
}

const packers: Record<string, (bytes: Uint8Array) => Buffer> = {
  gzip: gzipSync,
  'x-gzip': gzipSync,
  deflate: deflateSync,
  br: brotliCompressSync,
  zstd: zstdCompressSync,
}
