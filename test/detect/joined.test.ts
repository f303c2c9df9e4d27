import assert from 'node:assert/strict'
import { test } from 'node:test'
import { joined, joinedTails } from '../../src/detect/joined.ts'

const nothing = (): number => 0

/** The longest form of the value that begins with `key-`. */
function longest(text: string, taken: (start: number) => number = nothing): string | undefined {
  return [...joined(text, [text.indexOf('key-')], taken)][0]?.text
}

test('a value goes on over lines, strings and groups', () => {
  for (const gap of ['\n', '\r\n  ', '\n> ', ' \\\n', '\\n', '" + "', '" +\n\t"', '" "', '\\" . \\"']) {
    assert.equal(longest(`(key-7aB${gap}9xY4)`), '(key-7aB9xY4)', gap)
  }
  assert.equal(longest('(key-7aB 9xY4 77ab 12ab)'), '(key-7aB9xY477ab12ab)')
})

test('words, names and what has a match of its own are not of it', () => {
  for (const rest of ['\nand then', '\nNext', '\nNAME7=x', '\nname7: x', ' then 7', ' 7a', ', 9xY4', '\n\n9xY4']) {
    assert.equal(longest(`key-7aB${rest}`), undefined, rest)
  }
  assert.equal(
    longest('key-7aB\n9xY4', (start) => (start === 8 ? 12 : 0)),
    undefined,
  )
})

test('a value that is complete goes on only with what looks cut off', () => {
  const whole = (start: number): number => (start === 0 ? 7 : 0)
  assert.equal(longest('key-7aB\n9xY4', whole), undefined)
  assert.equal(longest('key-7aB 9xY4', whole), undefined)
  assert.equal(longest('key-7aB\n9xY4ab', whole), 'key-7aB9xY4ab')
})

test('a prefix in the midst of a word or of a block of lines is none', () => {
  assert.deepEqual([...joined('monkey-7aB\n9xY4', [3], nothing)], [])
  const lines = `${'aB3'.repeat(14)}\n`.repeat(3)
  assert.deepEqual([...joined(lines, [43], nothing)], [])
})

test('at the end every part may be the first', () => {
  assert.deepEqual(
    joinedTails('the key-7aB\n9xY4 9x').map(({ text }) => text),
    ['9xY49x', 'key-7aB9xY49x'],
  )
  assert.deepEqual(
    joinedTails('use "key-7aB" +').map(({ text }) => text),
    ['key-7aB'],
  )
  assert.deepEqual(joinedTails('the words there'), [])
})
