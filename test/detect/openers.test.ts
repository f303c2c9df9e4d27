import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openersOf, opensBefore } from '../../src/detect/openers.ts'
import { parsePattern } from '../../src/detect/syntax.ts'

const cases: readonly (readonly [string, readonly string[] | undefined, number])[] = [
  ['\\b(?:how (?:to|do i)|help me)\\s{1,3}make', ['how to', 'how do i', 'help me'], 0],
  ['(?:\\[|\\()?\\s{0,2}(?:system|admin(?:istrator)?)', ['system', 'admin', 'administrator'], 3],
  ['[A-Za-z]{8}-token', ['-token'], 8],
  ['[A-Za-z]{30}-token', undefined, 0],
  ['(?:a|all) of it', ['a of it', 'all of i'], 0],
  ['\\w{1,4}', undefined, 0],
  ["[dD]on['’]?t", ["don't", 'don’t', 'dont'], 0],
  ['colou?r{1,3}s', ['colour', 'color'], 0],
]

test('openers are the words that each match has near its beginning', () => {
  for (const [pattern, words, before] of cases) {
    const openers = openersOf(parsePattern(pattern))
    assert.deepEqual(openers?.words.toSorted(), words?.toSorted(), pattern)
    if (openers !== undefined) assert.equal(openers.before, before, pattern)
  }
})

test('an opener is known in time where no keyword can stand before its end', () => {
  const openers = { words: ['system', 'admin'], before: 0 }
  assert.equal(opensBefore(openers, 'prompt'), true)
  assert.equal(opensBefore(openers, 'system'), true)
  assert.equal(opensBefore(openers, 'stem'), true)
  assert.equal(opensBefore(openers, 'sys'), false)
  assert.equal(opensBefore({ words: ['system'], before: 3 }, '[sys'), false)
  assert.equal(opensBefore({ words: ['system'], before: 3 }, 'the'), false)
  assert.equal(opensBefore({ words: ['system'], before: 3 }, 'prompt'), true)
})

test('characters that an expression escapes are literal, too', () => {
  assert.deepEqual(openersOf(parsePattern('(?:\\.drop\\(|/etc/x|\\$\\{abc)'))?.words, ['.drop(', '/etc/x', '${abc'])
})
