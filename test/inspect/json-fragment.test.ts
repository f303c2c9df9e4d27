import assert from 'node:assert/strict'
import test from 'node:test'
import * as fc from 'fast-check'
import { decodeFragment, escapeJson } from '../../src/inspect/json-fragment.ts'

const cases: [string, string, string][] = [
  ['"a\\u0040b"', '"a@b"', ''],
  ['"\\n\\t\\"\\\\\\/"', '"\n\t"\\/"', ''],
  ['"\\ud83d\\ude00"', '"😀"', ''],
  ['"abc\\', '"abc', '\\'],
  ['"abc\\u00', '"abc', '\\u00'],
  ['"\\uzz', '"uzz', ''],
  ['\\"', '\\"', ''],
  ['', '', ''],
]

for (const [raw, text, carry] of cases) {
  test(`${JSON.stringify(raw)} says ${JSON.stringify(text)}`, () => {
    const decoded = decodeFragment(raw, 0, false)
    assert.deepEqual([decoded.text, decoded.carry, decoded.places.length], [text, carry, text.length])
  })
}

test('places point at where each character began, and tell what is outside strings', () => {
  const { places } = decodeFragment('{"\\u0041b":1}', 10, false)
  const at = places.map((place) => [Math.floor(place / 2), place % 2 === 1])
  const outside = [
    [10, true],
    [11, true],
    [12, false],
    [18, false],
    [19, true],
    [20, true],
    [21, true],
    [22, true],
  ]
  assert.deepEqual(at, outside)
})

test('a document cut anywhere decodes as the whole one', () => {
  fc.assert(
    fc.property(fc.oneof(fc.json(), fc.string({ unit: 'binary' })), fc.array(fc.nat(80)), (raw, cuts) => {
      const whole = decodeFragment(raw, 0, false)
      let [text, carry, at, inString] = ['', '', 0, false]
      const places: number[] = []
      for (const cut of [...cuts.sort((a, b) => a - b), raw.length]) {
        if (cut < at || cut > raw.length) continue
        const piece = carry + raw.slice(at, cut)
        const decoded = decodeFragment(piece, cut - piece.length, inString)
        text += decoded.text
        places.push(...decoded.places)
        carry = decoded.carry
        inString = decoded.inString
        at = cut
      }
      assert.deepEqual({ text, places, carry, inString }, whole)
    }),
  )
})

test('an escaped text comes back from JSON as it was', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      assert.equal(JSON.parse(`"${escapeJson(text)}"`), text)
    }),
  )
})
