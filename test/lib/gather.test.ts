import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { gather } from '../../src/lib/gather.ts'

test('what is taken is what was held, in order, and then nothing is held', () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 9000 }), { maxLength: 60 }),
      fc.uint8Array({ maxLength: 5 }),
      (pieces, last) => {
        const held = gather()
        for (const piece of pieces) held.hold(piece)
        const all = Buffer.concat([...pieces, last])
        assert.equal(held.size(), all.length - last.length)
        assert.deepEqual(Buffer.from(held.take(last)), all)
        assert.equal(held.size(), 0)
        assert.deepEqual(held.take(last), last)
      },
    ),
    { numRuns: 60 },
  )
})

test('a drip of single bytes is gathered without an object for each', () => {
  const held = gather()
  for (let i = 0; i < 1_000_000; i++) held.hold(Uint8Array.of(i & 255))
  const bytes = held.take(new Uint8Array(0))
  assert.equal(bytes.length, 1_000_000)
  assert.ok(bytes.every((byte, i) => byte === (i & 255)))
})
