import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { automaton, bothCases, SHIFT } from '../../src/detect/automaton.ts'

test('every word is found everywhere it stands, also inside others', () => {
  const word = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 1, maxLength: 4 })
  const text = fc.string({ unit: fc.constantFrom('a', 'b', 'c', 'd'), maxLength: 60 })
  fc.assert(
    fc.property(fc.uniqueArray(word, { minLength: 1, maxLength: 12 }), text, (words, text) => {
      const expected = words.flatMap((word, index) => placesOf(text, word).map((end) => `${index}@${end}`))
      assert.deepEqual(found(words, text).toSorted(), expected.toSorted())
    }),
  )
})

test('words of more different characters than there are columns are still told apart', () => {
  const letters = Array.from({ length: 150 }, (_, i) => String.fromCharCode(0x4e00 + i))
  const word = fc.string({ unit: fc.constantFrom(...letters, 'a', 'b'), minLength: 1, maxLength: 3 })
  const text = fc.string({ unit: fc.constantFrom(...letters, 'a', 'b', 'A'), maxLength: 200 })
  fc.assert(
    fc.property(fc.uniqueArray(word, { minLength: 1, maxLength: 60 }), text, (some, text) => {
      const words = [...new Set([...some, ...letters])]
      const folded = text.toLowerCase()
      const expected = words.flatMap((word, index) => placesOf(folded, word).map((end) => `${index}@${end}`))
      assert.deepEqual(found(words, text).toSorted(), expected.toSorted())
    }),
  )
})

test('beginnings of words that share columns are told apart, too', () => {
  const letters = Array.from({ length: 150 }, (_, i) => String.fromCharCode(0x4e00 + i))
  const other = (i: number): string => letters[149 - i] ?? ''
  const { columns, next, prefixes } = automaton(
    letters.map((letter, i) => `${letter}${other(i)}x`),
    bothCases,
  )
  const prefix = prefixes(() => 1)
  const begun = (text: string): number => {
    let state = 0
    for (const char of text) state = next[(state << SHIFT) + (columns[char.charCodeAt(0)] as number)] as number
    return prefix(state, Infinity, 1, text)
  }
  for (const [i, letter] of letters.entries()) {
    assert.deepEqual([begun(`a${letter}`), begun(`a${letter}${other(i)}`)], [1, 2])
    for (const [j, second] of letters.entries())
      if (second !== other(i)) assert.equal(begun(`${letter}${second}`), 1, `${i} ${j}`)
  }
})

test('case is folded', () => {
  assert.deepEqual(found(['ghp_', 'é'], 'GHP_ É'), ['0@4', '1@6'])
})

test('the longest beginning of a word at the end is known, by rank', () => {
  const { columns, next, prefixes } = automaton(['ghp_', 'hp-long'], bothCases)
  const prefix = prefixes((word) => word + 1)
  let state = 0
  for (const char of 'xx ghp') state = next[(state << SHIFT) + (columns[char.charCodeAt(0)] as number)] as number
  assert.equal(prefix(state, Infinity, 1, 'xx ghp'), 3)
  assert.equal(prefix(state, Infinity, 2, 'xx ghp'), 2)
  assert.equal(prefix(state, 2, 1, 'xx ghp'), 0)
})

test('a list too large for the table is refused', () => {
  const words = Array.from(
    { length: 40_000 },
    (_, i) => `${String.fromCharCode(0x4e00 + (i % 20_000))}${i} is too much`,
  )
  assert.throws(() => automaton(words, bothCases), RangeError)
})

function found(words: readonly string[], text: string): string[] {
  const { columns, next, accepting, endings, shared, stands } = automaton(words, bothCases)
  const all: string[] = []
  let state = 0
  for (let i = 0; i < text.length; i++) {
    state = next[(state << SHIFT) + (columns[text.charCodeAt(i)] as number)] as number
    if (state < accepting) continue
    for (const word of endings[state - accepting] ?? [])
      if (shared[word] === 0 || stands(word, text, i)) all.push(`${word}@${i + 1}`)
  }
  return all
}

function placesOf(text: string, word: string): number[] {
  const ends: number[] = []
  for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + 1)) ends.push(at + word.length)
  return ends
}

test('a dotless i does not take the capital of i', () => {
  assert.deepEqual(found(['ı', 'imei'], 'IMEI ı'), ['1@4', '0@6'])
})

test('ASCII is never taken for a letter of another script', () => {
  const others = Array.from({ length: 400 }, (_, i) => String.fromCharCode(0x4e00 + i))
  const ascii = Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i)).filter((char) => !/[A-Z]/.test(char))
  const { columns } = automaton([...others, ...ascii], bothCases)
  const column = (char: string): number => columns[char.charCodeAt(0)] as number
  const used = new Set(others.map(column))
  assert.deepEqual(
    ascii.filter((char) => used.has(column(char))),
    [],
  )
})
