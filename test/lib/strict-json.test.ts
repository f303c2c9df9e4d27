import assert from 'node:assert/strict'
import test from 'node:test'
import * as fc from 'fast-check'
import { parseStrictJson } from '../../src/lib/strict-json.ts'

test('whatever JSON.stringify spells is read as JSON.parse reads it', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 5 }), fc.constantFrom(0, 2), (value, indent) => {
      const text = JSON.stringify(value, undefined, indent)
      assert.deepEqual(parseStrictJson(Buffer.from(text)), JSON.parse(text))
    }),
  )
})

const refused: [what: string, text: string | Uint8Array][] = [
  ['nothing', ''],
  ['a name twice', '{"a":1,"a":2}'],
  ['a name twice, spelled differently', '{"a":1,"\\u0061":2}'],
  ['a name twice further inside', '[{"x":{"a":[{},[]],"b":"}","a":2}}]'],
  ['NaN', '{"a":NaN}'],
  ['Infinity', '[Infinity]'],
  ['two values', '{}{}'],
  ['a comma too many', '[1,]'],
  ['a comment', '{}//x'],
  ['a byte order mark', '\uFEFF{}'],
  ['bytes that are no UTF-8', Buffer.from([0x22, 0xff, 0x22])],
  ['UTF-16', Buffer.from('{}', 'utf16le')],
  ['what is nested too deep', '['.repeat(65) + ']'.repeat(65)],
]

for (const [what, text] of refused) {
  test(`${what} is refused`, () => {
    assert.throws(() => parseStrictJson(Buffer.from(text as string)), SyntaxError)
  })
}

test('the same name may stand in different objects, and as a value', () => {
  const text = '[{"a":"a"},{"a":{"a":["a","a"]}}]'
  assert.deepEqual(parseStrictJson(Buffer.from(text)), JSON.parse(text))
})

test('cut anywhere it is no JSON, and nothing is read of it', () => {
  const whole = Buffer.from('{"verdict":"allow","findings":[{"text":0}]}')
  for (let end = 0; end < whole.length; end++) {
    assert.throws(() => parseStrictJson(whole.subarray(0, end)), SyntaxError)
  }
})
