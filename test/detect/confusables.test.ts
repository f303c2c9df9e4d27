import assert from 'node:assert/strict'
import { test } from 'node:test'
import { folded, foldingAt, lookalike } from '../../src/detect/confusables.ts'

/** The word as it is to be read, if its first look-alike says so. */
function read(text: string, open = false): string {
  const at = [...text].findIndex((char) => lookalike(char.charCodeAt(0)))
  if (at === -1) return text
  const folding = foldingAt(text, at, open)
  return Array.from(text, (char) => (char > '\x7f' ? folded(char.charCodeAt(0), folding) : undefined) ?? char).join('')
}

const disguises: [text: string, read: string][] = [
  ['АKІA', 'AKIA'],
  ['ghр_х7', 'ghp_x7'],
  ['раssword', 'password'],
  ['ΑΚΙA7', 'AKIA7'],
  ['տk-livе', 'տk-livе'],
  ['օpen', 'open'],
  ['4111111111О11111', '4111111111011111'],
  ['ÁKÍA7777', 'AKIA7777'],
]
for (const [text, wanted] of disguises) {
  test(`${text} is read as ${wanted}`, () => {
    assert.equal(read(text), wanted)
  })
}

test('words of other languages stay as they are', () => {
  const words = ['рост', 'Санкт-Петербург', 'ΑΘΗΝΑ', 'café', 'Größe', 'naïveté', '5000руб', 'АРС', 'SMSками', 'հայ']
  for (const word of words) assert.equal(read(word), word, word)
})

test('a word that may go on is read as what it could become', () => {
  assert.equal(read('АКІ'), 'АКІ')
  assert.equal(read('АКІ', true), 'AKI')
  assert.equal(read('АКІ. ', true), 'АКІ. ')
})
