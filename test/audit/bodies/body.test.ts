import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { bodyKeeper, type BodyKeeperOptions, type KeptBody } from '../../../src/audit/bodies/body.ts'
import { spillName } from '../../../src/audit/bodies/spill-file.ts'
import { uuidv7 } from '../../../src/core/ids.ts'
import { spilledContent } from '../../support/spilled.ts'
import { tempFolder } from '../../support/temp.ts'

const sha256 = (content: Uint8Array): string => createHash('sha256').update(content).digest('hex')

function optionsOf(over: Partial<BodyKeeperOptions> = {}): BodyKeeperOptions {
  return {
    capture: true,
    store: 'redacted',
    inlineBytes: 100,
    maxBytes: 1_000,
    dir: tempFolder('body'),
    id: uuidv7(Date.now()),
    side: 'request',
    ...over,
  }
}

async function keep(options: BodyKeeperOptions, chunks: readonly Uint8Array[]): Promise<KeptBody> {
  const keeper = bodyKeeper(options)
  for (const chunk of chunks) await keeper.write(chunk)
  return keeper.finish()
}

test('a body of any size in any pieces is kept whole, inline or in a file', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 8 }),
      fc.boolean(),
      async (pieces, text) => {
        const chunks = text ? pieces.map((piece) => Buffer.from(piece.map((byte) => 32 + (byte % 90)))) : pieces
        const options = optionsOf()
        const kept = await keep(options, chunks)
        const content = Buffer.concat(chunks)
        const stored = kept.spill === null ? Buffer.from(kept.inline ?? '') : spilledContent(options.dir, kept.spill)
        assert.ok(stored?.equals(content))
        assert.equal(kept.sha256, sha256(content))
        assert.deepEqual([kept.bytes, kept.truncated, kept.error], [content.length, false, null])
        assert.notEqual(kept.inline === null, kept.spill === null)
        if (content.length > 100) assert.equal(kept.inline, null)
        else if (text) assert.equal(kept.spill, null)
      },
    ),
    { numRuns: 60 },
  )
})

test('a body at hand is kept as one in pieces is, but for the file, whose content is handed out', async () => {
  const any = fc.uint8Array({ maxLength: 300 })
  const text = fc.string({ unit: 'binary', maxLength: 200 }).map((text) => Buffer.from(text))
  await fc.assert(
    fc.asyncProperty(fc.oneof(any, text), fc.boolean(), async (bytes, part) => {
      const content = part ? Buffer.concat([Buffer.alloc(9), bytes]).subarray(9) : bytes
      const options = optionsOf({ maxBytes: 150 })
      const { content: toWrite, ...kept } = bodyKeeper(options).whole(content)
      assert.equal(existsSync(join(options.dir, 'bodies')), false)
      const want = await keep(options, [content])
      if (kept.spill === null) assert.equal(toWrite, undefined)
      else {
        assert.ok(spilledContent(options.dir, kept.spill).equals(toWrite ?? Buffer.from('nothing')))
        assert.equal(sha256(toWrite as Uint8Array), want.sha256)
        // What is cloned to another thread takes its whole buffer with it.
        assert.equal(toWrite?.buffer.byteLength, toWrite?.byteLength)
      }
      assert.deepEqual(kept, kept.spill === null ? want : { ...want, sha256: null })
    }),
    { numRuns: 100 },
  )
})

test('what is not UTF-8 text goes to a file, however short', async () => {
  for (const bytes of [[0xff, 0xfe], [0x61, 0x00, 0x62], [0xc3]]) {
    const options = optionsOf()
    const kept = await keep(options, [Buffer.from(bytes)])
    assert.equal(kept.inline, null)
    assert.deepEqual([...spilledContent(options.dir, kept.spill ?? '')], bytes)
  }
  assert.equal((await keep(optionsOf(), [Buffer.from([0xc3]), Buffer.from([0xa9])])).inline, 'é')
})

test('beyond maxBytes nothing is kept, and the row can say so', async () => {
  const content = randomBytes(5_000)
  const options = optionsOf()
  const kept = await keep(options, [content.subarray(0, 700), content.subarray(700, 1_200), content.subarray(1_200)])
  assert.deepEqual([kept.bytes, kept.truncated], [5_000, true])
  assert.equal(kept.sha256, sha256(content.subarray(0, 1_000)))
  assert.ok(spilledContent(options.dir, kept.spill ?? '').equals(content.subarray(0, 1_000)))
})

test('a cap below the inline size holds too', async () => {
  const kept = await keep(optionsOf({ maxBytes: 5 }), [Buffer.from('abc'), Buffer.from('defgh')])
  assert.deepEqual([kept.inline, kept.bytes, kept.truncated], ['abcde', 8, true])
})

test('what is not captured or not stored is only counted', async () => {
  for (const over of [{ capture: false }, { store: 'none' }] as const) {
    const options = optionsOf(over)
    const kept = await keep(options, [randomBytes(400), randomBytes(50)])
    assert.deepEqual(kept, { inline: null, spill: null, sha256: null, bytes: 450, truncated: false, error: null })
    assert.deepEqual(bodyKeeper(options).whole(randomBytes(450)), kept)
    assert.equal(existsSync(join(options.dir, 'bodies')), false)
  }
})

test('small pieces beyond the inline size are gathered, and none is lost', async () => {
  const options = optionsOf({ maxBytes: 1_000_000 })
  const pieces = Array.from({ length: 3_000 }, (_, i) => randomBytes(i % 100))
  const kept = await keep(options, pieces)
  assert.ok(spilledContent(options.dir, kept.spill ?? '').equals(Buffer.concat(pieces)))
  assert.equal(kept.sha256, sha256(Buffer.concat(pieces)))
})

test('a file that cannot be written leaves an error and not an exception', async () => {
  const options = optionsOf()
  writeFileSync(join(options.dir, 'bodies'), 'in the way')
  const kept = await keep(options, [randomBytes(500)])
  assert.deepEqual([kept.inline, kept.spill, kept.sha256, kept.bytes], [null, null, null, 500])
  assert.match(kept.error ?? '', /^request body not kept: E/)
})

test('a discarded body leaves no file', async () => {
  const options = optionsOf()
  const keeper = bodyKeeper(options)
  await keeper.write(randomBytes(500))
  await keeper.discard()
  const path = join(options.dir, spillName(options.id, 'request'))
  assert.deepEqual([existsSync(path), existsSync(`${path}.tmp`)], [false, false])
})

test('a chunk is not written into', async () => {
  const first = Buffer.from('abc')
  await keep(optionsOf(), [first, Buffer.from('def')])
  assert.equal(first.toString(), 'abc')
})
