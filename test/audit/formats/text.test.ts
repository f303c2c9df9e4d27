import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { clipped, jsonLine, oneLine } from '../../../src/audit/formats/text.ts'
import { hostileText } from '../../support/full-rows.ts'
import { refuseUnsafe } from '../../support/read-cef.ts'

test('control characters become their pictures, other line ends and half characters the replacement character', () => {
  const cases = [
    ['plain text, ünï, 😀', 'plain text, ünï, 😀'],
    ['a\r\nb\tc\0', 'a␍␊b␉c␀'],
    ['\u007f\u0080\u0085\u009f', '␡\uFFFD\uFFFD\uFFFD'],
    ['\u2028\u2029\ufeff', '\uFFFD\uFFFD\uFFFD'],
    ['\u202eevil\u2066', '\uFFFDevil\uFFFD'],
    ['\ud800 \udc00', '\uFFFD \uFFFD'],
  ] as const
  for (const [text, shown] of cases) assert.equal(oneLine(text), shown)
})

test('clipping keeps what fits and never cuts a pair', () => {
  assert.equal(clipped('abcd', 4), 'abcd')
  assert.equal(clipped('abcde', 4), 'abc…')
  assert.equal(clipped('ab😀cd', 4), 'ab…')
  assert.equal(clipped('😀😀', 2), '…')
  fc.assert(
    fc.property(hostileText, fc.integer({ min: 1, max: 50 }), (text, max) => {
      const short = clipped(text, max)
      assert.ok(short.length <= max)
      assert.equal(
        short.isWellFormed(),
        short === text ? text.isWellFormed() : text.slice(0, short.length - 1).isWellFormed(),
      )
    }),
  )
})

test('JSON is one line of well-formed text and reads back as it was', () => {
  fc.assert(
    fc.property(fc.dictionary(hostileText, fc.oneof(hostileText, fc.jsonValue())), (value) => {
      const line = jsonLine({ value })
      refuseUnsafe(line)
      assert.ok(!line.includes('\t'))
      const wellFormed = JSON.parse(JSON.stringify({ value }), (_, inner: unknown) =>
        typeof inner === 'string' ? inner.toWellFormed() : inner,
      ) as unknown
      const keysToo = (text: string): unknown => JSON.parse(text.replaceAll(/\\ud[89a-f][0-9a-f]{2}/gi, '\uFFFD'))
      assert.deepEqual(keysToo(line), keysToo(JSON.stringify(wellFormed)))
    }),
  )
})
