import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { SallyportError } from '../../src/core/errors.ts'
import { wordList } from '../../src/detect/word-list.ts'

function found(words: readonly string[], text: string, caseSensitive = false): string[] {
  const list = wordList(words, caseSensitive)
  const out: string[] = []
  for (let i = 0; i < text.length; i++) {
    const end = list.begins(text.charCodeAt(i)) ? list.endAt(text, i) : 0
    if (end > 0) out.push(text.slice(i, end))
  }
  return out
}

const cases: readonly [words: string[], text: string, expected: string[]][] = [
  [['Heron'], 'HERON heron, herons heron_x xheron heron2', ['HERON', 'heron']],
  [['straße', 'οδος'], 'STRASSE Straße ΟΔΟΣ οδός', ['STRASSE', 'Straße', 'ΟΔΟΣ']],
  [['C++', '.NET', 'F#', 'a-b'], 'c++, C++11, C+ ASP.NET (f#) a-b a-bc', ['c++', 'C++', '.NET', 'f#', 'a-b']],
  [
    ['blue kite'],
    'blue  kite, blue\r\n\t kite blue\n\nkite bluekite',
    ['blue  kite', 'blue\r\n\t kite', 'blue\n\nkite'],
  ],
  [['計画', 'テスト', '秘密'], '秘密計画です。テスト中', ['秘密', '計画', 'テスト']],
  [['ลับ'], 'เอกสารลับมาก', ['ลับ']],
  [['Heron', '헤론'], 'Heron計画 헤론을 Heron을 xHeron을', ['Heron', '헤론', 'Heron']],
  [['काम'], 'काम कामल', ['काम']],
  [['cafe'], 'cafe cafe\u0301', ['cafe']],
  [['red', 'red fox'], 'the red fox, the red dog', ['red fox', 'red']],
  [['🐦 bird'], 'a 🐦 bird', ['🐦 bird']],
]

test('whole words are found in every script, in any case, over any white space', () => {
  for (const [words, text, expected] of cases) assert.deepEqual(found(words, text), expected, text)
})

test('case counts when it is asked for', () => {
  assert.deepEqual(found(['Heron'], 'heron Heron HERON', true), ['Heron'])
})

test('what the end of a text could begin is told apart from what it could not', () => {
  const list = wordList(['heron', 'blue kite', '計画書'], false)
  for (const [text, at] of [
    ['see he', 4],
    ['see heron', 4],
    ['the Blue', 4],
    ['the blue \n', 4],
    ['の計画', 1],
  ] as const)
    assert.equal(list.isBegun(text, at), true, text)
  for (const [text, at] of [
    ['see hx', 4],
    ['xhe', 1],
    ['heron ', 0],
  ] as const)
    assert.equal(list.isBegun(text, at), false, text)
})

test('it finds what a plain search for each word finds', () => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'b', 'B', ' ', '-', 'é'), minLength: 1, maxLength: 6 })
  const words = fc.array(
    letters.filter((word) => word.trim() !== ''),
    { minLength: 1, maxLength: 6 },
  )
  fc.assert(
    fc.property(
      words,
      fc.string({ unit: fc.constantFrom('a', 'A', 'b', ' ', '-', 'é'), maxLength: 30 }),
      (words, text) => {
        assert.deepEqual(found(words, text), naive(words, text))
      },
    ),
    { numRuns: 3_000 },
  )
})

/** At each place the longest word, as an expression of the platform's sees it. */
function naive(words: readonly string[], text: string): string[] {
  const expressions = words.map((word) => new RegExp(word.trim().split(/\s+/).join('\\s+'), 'iuy'))
  const inWord = (char: string | undefined): boolean => char !== undefined && /[\p{L}\p{N}_]/u.test(char)
  const out: string[] = []
  for (let i = 0; i < text.length; i++) {
    if (inWord(text[i]) && inWord(text[i - 1])) continue
    let longest = ''
    for (const expression of expressions) {
      expression.lastIndex = i
      const word = expression.exec(text)?.[0] ?? ''
      const end = i + word.length
      if (word.length > longest.length && !(inWord(text[end - 1]) && inWord(text[end]))) longest = word
    }
    if (longest !== '') out.push(longest)
  }
  return out
}

test('a hundred thousand words take no more room than they need', () => {
  const words = Array.from({ length: 100_000 }, (_, i) => `project ${i.toString(36)} ${(i * 7_919) % 100_003}`)
  assert.deepEqual(found(words, `on ${words[77_777]} and project none 5`), [words[77_777]])
})

test('an empty word is refused', () => {
  for (const word of ['', ' ', '\u200b', '\t\n']) assert.throws(() => wordList([word], false), SallyportError)
})
