import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { FrameReader, mask, opcodes, readFrame, writeFrame } from '../../src/http/websocket-frame.ts'

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

test('a frame over the limit is known before its payload comes', () => {
  const read = readFrame(Buffer.from([0x82, 127, 0, 0, 0, 1, 0, 0, 0, 0]), 1_000)
  assert.equal(read.kind === 'long' && read.head.length, 2 ** 32)
})

test('a length beyond all numbers is invalid', () => {
  const read = readFrame(Buffer.from([0x82, 127, 0x80, 0, 0, 0, 0, 0, 0, 0]), 1_000)
  assert.equal(read.kind, 'invalid')
})

test('a long frame comes in pieces as its bytes do, and the next frame after it', () => {
  const long = writeFrame(opcodes.binary, Buffer.alloc(2_000, 'abc'), { key: Buffer.from([1, 2, 3, 4]) })
  const bytes = Buffer.concat([long, writeFrame(opcodes.text, Buffer.from('next'), {})])
  for (const cut of [1, 2, 7, 8, 9, 500, 2_007, 2_008, 2_010]) {
    const reader = new FrameReader(1_000)
    const out: Buffer[] = []
    const texts: string[] = []
    for (let at = 0; at < bytes.length; at += cut) {
      reader.push(bytes.subarray(at, at + cut))
      for (;;) {
        const piece = reader.piece()
        if (piece !== undefined) {
          assert.equal(piece.offset, Buffer.concat(out).length)
          out.push(mask(piece.bytes, piece.head.key as Buffer, piece.offset))
          assert.equal(piece.last, Buffer.concat(out).length === 2_000)
          continue
        }
        if (reader.inLong) break
        const read = reader.next()
        if (read.kind === 'more') break
        if (read.kind === 'frame') texts.push(String(read.frame.payload))
      }
    }
    assert.deepEqual([String(Buffer.concat(out)), texts], [String(Buffer.alloc(2_000, 'abc')), ['next']])
  }
})

test('random bytes never throw', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => void readFrame(Buffer.from(bytes), 100)))
})

const needs: [what: string, bytes: number[], needed: number][] = [
  ['nothing', [], 2],
  ['a short head', [0x81], 2],
  ['a head whose length is to come', [0x81, 0xfe], 8],
  ['a head whose long length is to come', [0x81, 0x7f, 0], 10],
  ['a known length', [0x81, 0x7e, 0x01, 0x00], 260],
  ['a known length under a mask', [0x81, 0x85, 1, 2, 3, 4], 11],
]
for (const [what, bytes, needed] of needs)
  test(`after ${what} it is said how much is needed`, () =>
    assert.deepEqual(readFrame(Buffer.from(bytes), 1_000), { kind: 'more', needed }))

test('frames come out of chunks as they went in, however they are cut', () => {
  const frame = fc.tuple(fc.uint8Array({ maxLength: 300 }), fc.boolean())
  const sizes = fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 20 })
  fc.assert(
    fc.property(fc.array(frame, { maxLength: 8 }), sizes, (frames, cuts) => {
      const written = frames.map(([payload, masked]) =>
        writeFrame(opcodes.binary, payload, masked ? { key: Buffer.from([1, 2, 3, 4]) } : {}),
      )
      const bytes = Buffer.concat(written)
      const reader = new FrameReader(1_000)
      const out: Buffer[] = []
      for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
        const size = cuts[turn % cuts.length] as number
        reader.push(Buffer.from(bytes.subarray(at, at + size)))
        at += size
        for (let read = reader.next(); read.kind === 'frame'; read = reader.next()) out.push(read.frame.raw)
      }
      assert.deepEqual(out, written)
    }),
    { numRuns: 100 },
  )
})

test('a long frame in many chunks is not copied again for each of them', (t) => {
  const bytes = writeFrame(opcodes.binary, Buffer.alloc(1_000_000, 'x'), {})
  const copy = t.mock.method(Buffer.prototype, 'copy')
  const concat = t.mock.method(Buffer, 'concat')
  const reader = new FrameReader(2_000_000)
  let read = reader.next()
  for (let at = 0; at < bytes.length; at += 100) {
    assert.equal(read.kind, 'more')
    reader.push(bytes.subarray(at, at + 100))
    read = reader.next()
  }
  assert.ok(read.kind === 'frame' && read.frame.raw.equals(bytes))
  const copied = copy.mock.calls.reduce((sum: number, { result }: { result?: unknown }) => sum + Number(result), 0)
  assert.ok(copied >= 900_000 && copied < 3 * bytes.length, `${copied} bytes were copied`)
  assert.equal(concat.mock.callCount(), 0)
})
