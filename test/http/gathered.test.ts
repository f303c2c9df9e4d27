import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Gathered } from '../../src/http/gathered.ts'

test('pieces of any size are all there, in order, and what was given out stays as it was', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 3_000 })), (pieces) => {
      const gathered = new Gathered()
      const before: [Buffer, Buffer][] = []
      for (const [i, piece] of pieces.entries()) {
        gathered.push(Buffer.from(piece))
        const all = Buffer.concat(pieces.slice(0, i + 1))
        assert.equal(gathered.size, all.length)
        before.push([gathered.bytes, all])
      }
      for (const [given, all] of before) assert.deepEqual(given, all)
    }),
  )
})
