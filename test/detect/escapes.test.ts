import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as escapes from '../../src/detect/escapes.ts'

const { partialFrom, unescapedTail } = escapes
const unescaped = (text: string) => [...escapes.unescaped(text)].filter((form) => form !== undefined)

const cases: [text: string, read: string][] = [
  ['\\u0041', 'A'],
  ['\\\\\\u0041', 'A'],
  ['\\u{1F511}', '🔑'],
  ['\\ud83d\\udd11', '🔑'],
  ['\\U0001F511', '🔑'],
  ['\\x41', 'A'],
  ['\\101', 'A'],
  ['https:\\/\\/a', 'https://a'],
  ['&#65;&#x42;&amp;&commat;', 'AB&@'],
  ['%41%D0%BA%7e', 'Aк~'],
  ['a%zz%4', ''],
  ['&all; &#; &nothing', ''],
  ['\\u00 \\x4 \\8 /\\/+/', ''],
  ['100% of \\d+ && b', ''],
  ['\\u0000', ''],
]

for (const [text, read] of cases) {
  test(`${text} is read as ${read === '' ? 'it stands' : read}`, () => {
    assert.deepEqual(
      Array.from(unescaped(text), (form) => form.text),
      read === '' ? [] : [read],
    )
  })
}

test('an escape that is not complete is left off the end', () => {
  for (const part of ['\\', '\\u', '\\u00', '\\u{4', '\\x4', '\\1', '&', '&#x4', '&am', '%', '%4', '=', '=4']) {
    const text = `\\u0041\\u0042${part}`
    assert.equal(partialFrom(text), 12, part)
    assert.ok(
      unescapedTail(text).some((form) => form.text === 'AB'),
      part,
    )
  }
  assert.deepEqual(unescapedTail(`\\u0041 ${'word '.repeat(100)}`), [])
})

test('a sign that is far away or nowhere is looked for once', (t) => {
  for (const end of ['', '%41']) {
    const text = 'to be or not to be '.repeat(40_000) + end
    const looking = t.mock.method(String.prototype, 'indexOf')
    assert.equal([...escapes.unescaped(text)].filter((form) => form !== undefined).length, end === '' ? 0 : 1)
    const asked = looking.mock.callCount()
    looking.mock.restore()
    assert.ok(asked < 10, `${asked}`)
  }
})

test('a text that is only cut is given once', () => {
  assert.deepEqual(
    unescapedTail('AB\\u00').map((form) => form.text),
    ['AB'],
  )
})
