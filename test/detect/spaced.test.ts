import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hexFrom, hexLists, spacedOut, spacedTails } from '../../src/detect/spaced.ts'

const word = 'correct-horse-7-battery'

test('characters set apart by the same separator are one word again, wherever they begin', () => {
  for (const separator of [' ', '.', '|']) {
    for (let before = 0; before < 20; before++) {
      const text = `${'x'.repeat(before)} (${[...word.replaceAll('-', 'q')].join(separator)})`
      const [form, ...more] = spacedOut(text)
      assert.deepEqual(more, [])
      assert.ok(form?.apart?.text.includes(`(${word.replaceAll('-', 'q')})`), text)
    }
  }
})

test('others have their turn in the midst of a long text', () => {
  for (const steps of [[...spacedOut('a b c d e f g, '.repeat(20_000))], [...hexLists('0x '.repeat(60_000))]]) {
    assert.ok(steps.includes(undefined))
  }
})

test('a longer word at either end is another one', () => {
  const [form] = spacedOut(`the ${[...word].join(' ')} end`)
  assert.equal(form?.apart?.text, `the ${word} e`)
})

test('pairs of hexadecimal digits and lists of bytes are decoded', () => {
  const pairs = Array.from(word, (char) => char.charCodeAt(0).toString(16))
  assert.deepEqual(
    Array.from(spacedOut(`(${pairs.join(' ')})`), (one) => one?.decoded?.text),
    [word],
  )
  assert.deepEqual(
    Array.from(hexLists(`{${pairs.map((pair) => `0x${pair}`).join(',')}}`), (form) => form?.text),
    [word],
  )
})

test('indentation, dates, numbers and what nobody could read are left alone', () => {
  for (const text of [
    ' '.repeat(200),
    '- '.repeat(50),
    '2024-01-02 2024-01-02 2024-01-02',
    '00 ff 12 9a '.repeat(20),
    '0x00, 0x01, 0x02, '.repeat(9),
  ]) {
    assert.deepEqual([...spacedOut(text), ...hexLists(text)], [], text)
  }
})

test('what may go on so at the end is known', () => {
  assert.deepEqual(
    spacedTails('the k e y').map(({ text }) => text),
    ['the key'],
  )
  assert.deepEqual(
    spacedTails('the k e ').map(({ text }) => text),
    ['the ke'],
  )
  assert.deepEqual(spacedTails('the keys'), [])
  for (const text of ['is 41 4b', 'is 41 4', 'is 41 ', 'is 0x41, 0x4', 'is 0x41,', 'is 0'])
    assert.equal(hexFrom(text), 3, text)
  for (const text of ['is f1 ', 'is so', 'is 41 4b is']) assert.equal(hexFrom(text), text.length, text)
})
