import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { automaton, bothCases } from '../../src/detect/automaton.ts'

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

test('case is folded', () => {
  assert.deepEqual(found(['ghp_', 'é'], 'GHP_ É'), ['0@4', '1@6'])
})

test('the longest beginning of a word at the end is known, by rank', () => {
  const { columns, next, prefixes } = automaton(['ghp_', 'hp-long'], bothCases)
  const prefix = prefixes((word) => word + 1)
  let state = 0
  for (const char of 'xx ghp') state = next[(state << 4) + (columns[char.charCodeAt(0)] as number)] as number
  assert.equal(prefix(state, Infinity, 1), 3)
  assert.equal(prefix(state, Infinity, 2), 2)
  assert.equal(prefix(state, 2, 1), 0)
})

test('a list too large for the table is refused', () => {
  const words = Array.from({ length: 60_000 }, (_, i) => `${i}-abcdefghij`)
  assert.throws(() => automaton(words, bothCases), RangeError)
})

function found(words: readonly string[], text: string): string[] {
  const { columns, next, accepting, stride, endings } = automaton(words, bothCases)
  const all: string[] = []
  let state = 0
  for (let i = 0; i < text.length; i++) {
    state = next[(state << 4) + (columns[text.charCodeAt(i)] as number)] as number
    if (state < accepting) continue
    for (const word of endings[(state - accepting) / stride] ?? []) all.push(`${word}@${i + 1}`)
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

test('characters beyond ASCII that are many share columns: nothing is missed', () => {
  const words = Array.from({ length: 200 }, (_, i) => String.fromCharCode(0x4e00 + i, 0x5e00 + i))
  for (const [index, word] of words.entries()) assert.ok(found(words, `x${word}`).includes(`${index}@3`), word)
  assert.ok(automaton(words, bothCases).stride <= 3)
})
