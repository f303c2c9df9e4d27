import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import protobuf from 'protobufjs'
import { decoded, encoded, type FieldWriter } from '../../../src/audit/sinks/protobuf.ts'

// Another implementation reads what ours writes.
const { root } = protobuf.parse(`
syntax = "proto3";
message Thing {
  int64 whole = 1; fixed64 fixed = 2; double real = 3; bytes raw = 4; string text = 5; repeated Thing inner = 6;
  fixed32 short = 7; int32 far = 2047;
}`)
const Thing = root.lookupType('Thing')

const int64 = fc.maxSafeInteger()
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
      const bytes = encoded((to) => {
        to.varint(1, whole)
        to.fixed64(2, fixed)
        to.double(3, real)
        to.bytes(4, raw)
        to.string(5, text)
        for (let n = 0; n < inner; n++) to.message(6, () => (to.varint(1, n), to.message(6, () => {})))
        to.varint(2047, far)
      })
      const read = Thing.toObject(Thing.decode(bytes), { longs: String, arrays: true, defaults: true })
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

test('a length may take any number of bytes, and what is inside stays as it was', () => {
  for (const size of [0, 1, 126, 127, 128, 129, 16_383, 16_384, 70_000, 2_097_151, 2_097_152, 2_200_000]) {
    const text = 'ab'.repeat(Math.ceil(size / 2)).slice(0, size)
    const bytes = encoded((to) => to.message(6, () => (to.varint(1, -1), to.message(6, () => to.string(5, text)))))
    const { inner } = Thing.toObject(Thing.decode(bytes), { longs: String }) as {
      inner: [{ whole: string; inner: [{ text?: string }] }]
    }
    assert.equal(inner[0].whole, '-1')
    assert.ok((inner[0].inner[0].text ?? '') === text, `${size} bytes`)
  }
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
  const parts: ((to: FieldWriter) => void)[] = [
    (to) => to.varint(1, 300),
    (to) => to.fixed64(2, 5n),
    (to) => to.string(5, 'hello'),
    (to) => to.double(3, 1.5),
  ]
  const upTo = (count: number) => encoded((to) => parts.slice(0, count).forEach((part) => part(to)))
  const ends = [0, 1, 2, 3, 4].map((count) => upTo(count).length)
  const whole = upTo(4)
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
