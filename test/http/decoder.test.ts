import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createBrotliCompress, createDeflate, createDeflateRaw, createGzip, createZstdCompress } from 'node:zlib'
import { constants, deflateRawSync, gzipSync } from 'node:zlib'
import { isKnownCoding, undone, UntrueCoding } from '../../src/http/decoder.ts'

const packers = {
  gzip: () => createGzip(),
  'x-gzip': () => createGzip(),
  deflate: () => createDeflate(),
  'deflate without its wrapper': () => createDeflateRaw(),
  br: () => createBrotliCompress(),
  zstd: () => createZstdCompress(),
}

for (const [name, make] of Object.entries(packers)) {
  test(`${name}: what was flushed comes out before the next chunk is asked for`, async () => {
    const packer = make()
    const flush =
      name === 'br'
        ? constants.BROTLI_OPERATION_FLUSH
        : name === 'zstd'
          ? constants.ZSTD_e_flush
          : constants.Z_SYNC_FLUSH
    let asked = 0
    async function* events(): AsyncGenerator<Uint8Array> {
      for (const event of ['one', 'two', 'three']) {
        asked += 1
        packer.write(event)
        await new Promise<void>((resolve) => packer.flush(flush, resolve))
        yield Buffer.concat([packer.read() as Buffer, (packer.read() as Buffer | null) ?? Buffer.alloc(0)])
      }
      packer.end()
      for await (const rest of packer) yield rest as Buffer
    }
    const got: [string, number][] = []
    for await (const bytes of undone(events(), name.split(' ')[0] as string, 16_384)) got.push([String(bytes), asked])
    assert.deepEqual(got, [
      ['one', 1],
      ['two', 2],
      ['three', 3],
    ])
  })
}

test('what comes out of one chunk is given piece by piece, and a consumer that leaves stops it', async () => {
  let pieces = 0
  for await (const bytes of undone(each([gzipSync(Buffer.alloc(50_000_000))]), 'gzip', 16_384)) {
    assert.ok(bytes.length <= 65_536, `${bytes.length} at once`)
    if (++pieces === 3) break
  }
  assert.equal(pieces, 3)
})

test('chunks of one byte, and empty ones, are as good as any', async () => {
  const packed = deflateRawSync('{"a":"b"}')
  const bytes = [...packed].flatMap((byte) => [Buffer.alloc(0), Buffer.of(byte)])
  assert.equal(Buffer.concat(await Array.fromAsync(undone(each(bytes), 'deflate', 64))).toString(), '{"a":"b"}')
})

test('a second end, an unknown coding and half a wrapper are untrue', async () => {
  const packed = deflateRawSync('x')
  for (const [coding, chunks] of [
    ['deflate', [packed, Buffer.from('y')]],
    ['deflate', [Buffer.of(0x78)]],
    ['rot13', [packed]],
  ] as const)
    await assert.rejects(Array.fromAsync(undone(each(chunks), coding, 64)), UntrueCoding)
  assert.ok(!isKnownCoding('rot13') && !isKnownCoding('toString') && isKnownCoding('br'))
})

async function* each(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks
}
