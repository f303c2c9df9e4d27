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

test('JSON is one line of well-formed text, names too, and reads back as it was', () => {
  const any = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      hostileText,
      fc.integer(),
      fc.constant(null),
      fc.array(tie('value')),
      tie('object'),
    ),
    object: fc.array(fc.tuple(hostileText, tie('value')), { maxLength: 4 }).map((pairs) => Object.fromEntries(pairs)),
  }))
  fc.assert(
    fc.property(any.object, (value) => {
      const line = jsonLine(value)
      refuseUnsafe(line)
      assert.ok(!line.includes('\t'))
      assert.deepEqual(JSON.parse(line), wellFormed(value))
    }),
  )
  assert.equal(jsonLine({ a: String.raw`\ud800` }), String.raw`{"a":"\\ud800"}`)
  assert.equal(jsonLine({ '\ud800': '\udc00x😀' }), String.raw`{"\ufffd":"\ufffdx😀"}`)
})

function wellFormed(value: unknown): unknown {
  if (typeof value === 'string') return value.toWellFormed()
  if (Array.isArray(value)) return value.map(wellFormed)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name.toWellFormed(), wellFormed(inner)]))
}
