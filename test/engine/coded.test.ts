import assert from 'node:assert/strict'
import { test } from 'node:test'
import { brotliCompressSync, createGzip, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { decodedChunks, sideDecoder } from '../../src/engine/coded.ts'
import { chunksOf } from '../support/engine.ts'

const plain = Buffer.from('data: one é\n\n'.repeat(12))

const codings: [string[], Buffer][] = [
  [['deflate'], deflateRawSync(plain)],
  [['gzip'], gzipSync(plain)],
  [['deflate'], deflateSync(plain)],
  [['br'], brotliCompressSync(plain)],
  [['zstd'], zstdCompressSync(plain)],
  [['gzip', 'br'], brotliCompressSync(gzipSync(plain))],
]

async function decoded(chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>, names: string[]): Promise<Buffer> {
  const out: Uint8Array[] = []
  for await (const chunk of decodedChunks(chunksOf(chunks), names)) out.push(chunk)
  return Buffer.concat(out)
}

/** What a decoder beside the way takes, and whether that was all. */
async function beside(chunks: readonly Uint8Array[], names: string[]): Promise<[Buffer, boolean]> {
  const taken: Uint8Array[] = []
  const decoder = sideDecoder(names, async (chunk) => void taken.push(chunk))
  for (const chunk of chunks) await decoder.write(chunk)
  const all = await decoder.end()
  return [Buffer.concat(taken), all]
}

for (const [names, packed] of codings) {
  test(`${names.join(' over ')} is undone wherever the chunks are cut`, async () => {
    for (let cut = 0; cut <= packed.length; cut++) {
      const chunks = [packed.subarray(0, cut), packed.subarray(cut)]
      assert.deepEqual(await decoded(chunks, names), plain, `cut at ${cut}`)
      assert.deepEqual(await beside(chunks, names), [plain, true], `beside, cut at ${cut}`)
    }
  })
}

test('what an origin flushed can be read before anything more comes', async () => {
  const gzip = createGzip()
  gzip.write('data: first\n\n')
  gzip.flush()
  const decoding = decodedChunks(gzip, ['gzip'])
  assert.equal(String((await decoding.next()).value), 'data: first\n\n')
  gzip.end('data: last\n\n')
  assert.equal(String((await decoding.next()).value), 'data: last\n\n')
  assert.equal((await decoding.next()).done, true)
})

test('an unknown coding rejects, and beside the way it is known that nothing was read', async () => {
  await assert.rejects(decoded([plain], ['compress']), { code: 'upstream_invalid' })
  assert.deepEqual(await beside([plain], ['compress']), [Buffer.alloc(0), false])
  assert.deepEqual(await beside([plain], ['gzip', 'br', 'gzip']), [Buffer.alloc(0), false])
})

test('an untrue or unfinished coding rejects, and beside the way it is known', async () => {
  for (const bytes of [plain, gzipSync(plain).subarray(0, -3)]) {
    await assert.rejects(decoded([bytes], ['gzip']))
    const [, all] = await beside([bytes], ['gzip'])
    assert.equal(all, false)
  }
})

test('an origin that breaks off rejects with its own reason', async () => {
  async function* broken(): AsyncGenerator<Uint8Array> {
    yield gzipSync(plain).subarray(0, 12)
    throw new Error('reset')
  }
  await assert.rejects(decoded(broken(), ['gzip']), /reset/)
})

test('a reader that fails beside the way is heard by the next write or the end', async () => {
  const decoder = sideDecoder(['gzip'], async () => {
    throw new Error('too large')
  })
  await assert.rejects(decoder.write(gzipSync(plain)), /too large/)
  await assert.rejects(decoder.write(gzipSync(plain)), /too large/)
  await assert.rejects(decoder.end(), /too large/)
})

test('a consumer that leaves early ends the source', async () => {
  const { promise: ended, resolve } = Promise.withResolvers<void>()
  async function* source(): AsyncGenerator<Uint8Array> {
    try {
      const packed = gzipSync(plain)
      for (;;) yield packed
    } finally {
      resolve()
    }
  }
  for await (const _ of decodedChunks(source(), ['gzip'])) break
  await ended
})
