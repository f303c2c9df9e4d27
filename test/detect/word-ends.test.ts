import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { automaton, bothCases } from '../../src/detect/automaton.ts'
import { asciiWordEnds, newNotes, PIECE, wordEnds } from '../../src/detect/word-ends.ts'

const words = ['ab', 'bab', 'abcabcab', 'c', 'dada', 'a1']
const list = automaton(words, bothCases)

test('both ways note the same places and states, from any state on, in pieces of any length', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', 'c', 'A', 'd', '1', ' '), maxLength: 1_200 })
  fc.assert(
    fc.property(text, fc.nat(), fc.nat(), (text, one, other) => {
      const [from, to] = [one % (text.length + 1), other % (text.length + 1)].sort((a, b) => a - b) as [number, number]
      const notes = newNotes()
      const before = wordEnds(list, text, 0, from, 0, notes)
      const state = wordEnds(list, text, from, to, before, notes)
      const ends = Array.from(notes.ends.slice(0, notes.length))
      assert.equal(asciiWordEnds(list, text, from, to, before, notes), state)
      assert.deepEqual(Array.from(notes.ends.slice(0, notes.length)), ends)
    }),
  )
})

test('a piece in which every character ends a word has room', () => {
  for (const length of [PIECE, PIECE - 1]) {
    const notes = newNotes()
    for (const way of [wordEnds, asciiWordEnds]) {
      way(list, 'c'.repeat(length), 0, length, 0, notes)
      assert.equal(notes.length, 2 * length)
      assert.equal(notes.ends[2 * length - 2], length - 1)
    }
  }
})
