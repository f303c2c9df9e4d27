import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { automaton, bothCases } from '../../src/detect/automaton.ts'
import { newNotes, PIECE, wordEnds } from '../../src/detect/word-ends.ts'

const words = ['ab', 'bab', 'abcabcab', 'c', 'dada', 'a1']
const list = automaton(words, bothCases)

test('a text in pieces of any length has the notes of one that is read character by character', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', 'c', 'A', 'd', '1', ' ', 'é', '\u4e00'), maxLength: 3_000 })
  fc.assert(
    fc.property(text, fc.nat(), fc.nat(), (text, one, other) => {
      const [from, to] = [one % (text.length + 1), other % (text.length + 1)].sort((a, b) => a - b) as [number, number]
      const [notes, single] = [newNotes(), newNotes()]
      let state = 0
      const expected: number[] = []
      for (let i = 0; i < text.length; i++) {
        state = wordEnds(list, text, i, i + 1, state, single)
        if (i >= from && i < to) expected.push(...single.ends.slice(0, single.length))
      }
      const before = wordEnds(list, text, 0, from, 0, notes)
      const after = wordEnds(list, text, from, to, before, notes)
      assert.deepEqual(Array.from(notes.ends.slice(0, notes.length)), expected)
      assert.equal(wordEnds(list, text, to, text.length, after, notes), state)
    }),
  )
})

test('a piece in which every character ends a word has room', () => {
  for (const length of [PIECE, PIECE - 1, PIECE - 3, 600]) {
    const notes = newNotes()
    wordEnds(list, 'c'.repeat(length), 0, length, 0, notes)
    assert.equal(notes.length, 2 * length)
    for (let i = 0; i < length; i++) assert.equal(notes.ends[2 * i], i)
  }
})
