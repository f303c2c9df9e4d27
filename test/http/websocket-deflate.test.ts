import assert from 'node:assert/strict'
import { test } from 'node:test'
import { constants, deflateRawSync, inflateRawSync } from 'node:zlib'
import fc from 'fast-check'
import { Deflater, Inflater, NotDeflate } from '../../src/http/websocket-deflate.ts'

async function whole(inflater: Inflater, packed: Buffer, cuts: readonly number[] = []): Promise<string> {
  const out: Buffer[] = []
  let at = 0
  for (const cut of [...cuts, packed.length]) {
    const part = packed.subarray(at, Math.max(at, cut))
    at = Math.max(at, cut)
    for await (const piece of inflater.part(part, false)) out.push(piece)
  }
  for await (const piece of inflater.part(Buffer.alloc(0), true)) out.push(piece)
  return Buffer.concat(out).toString()
}

for (const takeover of [true, false]) {
  for (const bits of [8, 9, 15]) {
    test(`messages are read as they were written, with ${bits} bits and ${takeover ? '' : 'no '}takeover, at any cut`, async () => {
      const word = fc.constantFrom('hello', ' world', '\u20ac', 'x'.repeat(700), '')
      const message = fc.tuple(fc.array(word, { maxLength: 20 }), fc.array(fc.nat(400), { maxLength: 4 }))
      await fc.assert(
        fc.asyncProperty(fc.array(message, { maxLength: 6 }), async (messages) => {
          const [deflater, inflater] = [new Deflater({ bits, takeover }), new Inflater({ bits, takeover })]
          for (const [words, cuts] of messages) {
            const packed = await deflater.message(Buffer.from(words.join('')))
            const sorted = cuts.filter((cut) => cut <= packed.length).toSorted((a, b) => a - b)
            assert.equal(await whole(inflater, packed, sorted), words.join(''))
          }
          deflater.close()
          inflater.close()
        }),
        { numRuns: 30 },
      )
    })
  }
}

test('what is not deflate, or refers to what never was, is told', async () => {
  for (const packed of [
    Buffer.from([0xff, 0xff, 0xff]),
    deflateRawSync('hello hello', { dictionary: Buffer.from('hello hello'), finishFlush: constants.Z_SYNC_FLUSH }),
  ]) {
    await assert.rejects(whole(new Inflater({ bits: 15, takeover: true }), packed), NotDeflate)
  }
})

test('a final block ends its message, and the next is read nevertheless', async () => {
  const inflater = new Inflater({ bits: 15, takeover: true })
  const last = Buffer.concat([deflateRawSync('one'), Buffer.from([0])])
  const packed = deflateRawSync('two', { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4)
  assert.equal(await whole(inflater, last), 'one')
  assert.equal(await whole(inflater, packed), 'two')
  inflater.close()
})

test('nothing that says something follows a final block', async () => {
  const more = deflateRawSync(' sesame', { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4)
  for (const rest of [more, Buffer.from([1]), Buffer.from([0, 0])]) {
    const packed = Buffer.concat([deflateRawSync('one'), rest])
    for (const cuts of [[], [1], [packed.length - 1]])
      await assert.rejects(whole(new Inflater({ bits: 15, takeover: true }), packed, cuts), NotDeflate)
  }
})

test('a window of 256 bytes is kept to', async () => {
  const deflater = new Deflater({ bits: 8, takeover: true })
  const text = Array.from({ length: 400 }, (_, i) => `${i * 7919} `).join('')
  const packed = await deflater.message(Buffer.from(text + text))
  assert.equal(
    inflateRawSync(Buffer.concat([packed, Buffer.from([0, 0, 0xff, 0xff])]), {
      windowBits: 8,
      finishFlush: constants.Z_SYNC_FLUSH,
    }).toString(),
    text + text,
  )
  deflater.close()
})

test('a bomb comes out piece by piece, as it is asked for', async () => {
  const bomb = deflateRawSync(Buffer.alloc(64 * 1024 * 1024), { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4)
  const inflater = new Inflater({ bits: 15, takeover: true })
  for await (const piece of inflater.part(bomb, true)) {
    assert.ok(piece.length > 1_000_000 && piece.length < 6_000_000)
    break
  }
  inflater.close()
})
