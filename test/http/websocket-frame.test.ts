import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { closePayload, opcodes, readFrame, writeFrame } from '../../src/http/websocket-frame.ts'

test('a frame that is written is read back, masked or not, at every cut', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 300 }),
      fc.option(fc.uint8Array({ minLength: 4, maxLength: 4 }), { nil: undefined }),
      fc.boolean(),
      (payload, key, rsv1) => {
        const bytes = writeFrame(opcodes.text, payload, key === undefined ? { rsv1 } : { key, rsv1 })
        for (let cut = 0; cut < bytes.length; cut += 1)
          assert.equal(readFrame(bytes.subarray(0, cut), 1_000).kind, 'more')
        const read = readFrame(Buffer.concat([bytes, Buffer.from('rest')]), 1_000)
        assert.ok(read.kind === 'frame')
        assert.deepEqual(new Uint8Array(read.frame.payload), payload)
        assert.deepEqual(read.frame.raw, bytes)
        assert.equal(read.frame.masked, key !== undefined)
        assert.equal(read.frame.rsv1, rsv1)
      },
    ),
    { numRuns: 100 },
  )
})

test('long payloads use the longer lengths', () => {
  for (const size of [125, 126, 65_535, 65_536]) {
    const read = readFrame(writeFrame(opcodes.binary, Buffer.alloc(size), {}), 100_000)
    assert.equal(read.kind === 'frame' && read.frame.payload.length, size)
  }
})

const invalid: [string, number[]][] = [
  ['reserved bits', [0xb1, 0]],
  ['a reserved opcode', [0x83, 0]],
  ['a reserved control opcode', [0x8b, 0]],
  ['a fragmented ping', [0x09, 0]],
  ['a long close', [0x88, 126]],
]
for (const [name, bytes] of invalid)
  test(`${name} is invalid`, () => assert.equal(readFrame(Buffer.from(bytes), 1_000).kind, 'invalid'))

test('a frame over the limit is refused before its payload comes', () => {
  const read = readFrame(Buffer.from([0x82, 127, 0, 0, 0, 1, 0, 0, 0, 0]), 1_000)
  assert.equal(read.kind === 'invalid' && read.close, 1009)
})

test('random bytes never throw', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => void readFrame(Buffer.from(bytes), 100)))
})

test('a close payload fits a control frame', () => assert.equal(closePayload(1008, 'x'.repeat(500)).length, 125))
