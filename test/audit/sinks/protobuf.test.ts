import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import protobuf from 'protobufjs'
import { decoded, encoded, field } from '../../../src/audit/sinks/protobuf.ts'

// Another implementation reads what ours writes.
const { root } = protobuf.parse(`
syntax = "proto3";
message Thing {
  int64 whole = 1; fixed64 fixed = 2; double real = 3; bytes raw = 4; string text = 5; repeated Thing inner = 6;
  fixed32 short = 7; int32 far = 2047;
}`)
const Thing = root.lookupType('Thing')

const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
const uint64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })

test('what is written is read by another implementation', () => {
  const values = fc.record({
    whole: int64,
    fixed: uint64,
    real: fc.double({ noNaN: true }),
    raw: fc.uint8Array(),
    text: fc.string({ unit: 'grapheme' }),
    far: fc.nat(),
  })
  fc.assert(
    fc.property(values, fc.nat({ max: 4 }), ({ whole, fixed, real, raw, text, far }, inner) => {
      const parts = [
        field.varint(1, whole),
        field.fixed64(2, fixed),
        field.double(3, real),
        field.bytes(4, raw),
        field.string(5, text),
        ...Array.from({ length: inner }, (_, n) => field.message(6, field.varint(1, n), field.message(6))),
        field.varint(2047, far),
      ]
      const read = Thing.toObject(Thing.decode(encoded(...parts)), { longs: String, arrays: true, defaults: true })
      assert.deepEqual([read.whole, read.fixed, read.text, read.far], [String(whole), String(fixed), text, far])
      assert.ok(Object.is(read.real, real))
      assert.deepEqual(Buffer.from(read.raw as Uint8Array), Buffer.from(raw))
      assert.deepEqual(
        (read.inner as { whole: string; inner: unknown[] }[]).map((one) => [one.whole, one.inner.length]),
        Array.from({ length: inner }, (_, n) => [String(n), 1]),
      )
    }),
  )
})

test('what another implementation writes is read', () => {
  const message = {
    whole: '-1',
    fixed: '18446744073709551615',
    raw: Buffer.from('abc'),
    inner: [{ text: 'x' }],
    short: 7,
  }
  const fields = decoded(Buffer.from(Thing.encode(Thing.fromObject(message)).finish()))
  assert.deepEqual(
    fields?.map(({ number, value }) => [number, typeof value === 'bigint' ? value : value.toString('latin1')]),
    [
      [1, 2n ** 64n - 1n],
      [2, 2n ** 64n - 1n],
      [4, 'abc'],
      [6, '\x2a\x01x'],
      [7, 7n],
    ],
  )
})

test('a message that is cut is none, unless it is cut between two fields', () => {
  const ends = [0]
  const parts = [field.varint(1, 300), field.fixed64(2, 5n), field.string(5, 'hello'), field.double(3, 1.5)]
  for (const [count] of parts.entries()) ends.push(encoded(...parts.slice(0, count + 1)).length)
  const whole = encoded(...parts)
  for (let cut = 0; cut <= whole.length; cut++)
    assert.equal(
      decoded(whole.subarray(0, cut))?.length,
      ends.includes(cut) ? ends.indexOf(cut) : undefined,
      `cut at ${cut}`,
    )
})

test('no bytes make the reader throw, or read beyond them', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      const fields = decoded(Buffer.from(bytes))
      for (const { value } of fields ?? []) if (typeof value !== 'bigint') assert.ok(value.length <= bytes.length)
    }),
  )
})

test('a number without an end, a field without a number, groups and unknown types are no message', () => {
  for (const bytes of [
    Buffer.alloc(11, 0xff),
    [0x00, 0x01],
    [0x0b],
    [0x0c],
    [0x0e],
    [0x0a, 0xff, 0xff, 0xff, 0xff, 0x7f],
  ])
    assert.equal(decoded(Buffer.from(bytes)), undefined)
})
