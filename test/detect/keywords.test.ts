import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { SallyportError } from '../../src/core/errors.ts'
import { compileKeywords } from '../../src/detect/keywords.ts'

const list = (words: string[], patterns: string[] = [], caseSensitive = false): ReturnType<typeof compileKeywords> =>
  compileKeywords({ words, patterns, caseSensitive, name: 'projects' })
const found = (rules: ReturnType<typeof compileKeywords>, text: string): string[] =>
  rules.find(text).map((match) => text.slice(match.start, match.end))

test('whole words and phrases are found in any case', () => {
  const rules = list(['Heron', 'blue kite', 'C++'])
  assert.deepEqual(found(rules, 'The HERON and the Blue\tKite, written in c++.'), ['HERON', 'Blue\tKite', 'c++'])
  assert.deepEqual(found(rules, 'herons, heron_x, xheron, bluekite'), [])
  assert.deepEqual(rules.find('heron')[0], {
    type: 'KEYWORD:projects',
    rule: 'projects',
    start: 0,
    end: 5,
    confidence: 1,
    severity: 'medium',
  })
})

test('words of every script are whole words', () => {
  const rules = list(['Straße', 'журавль', 'ΟΔΟΣ', 'café', '鶴'])
  assert.deepEqual(found(rules, 'STRAßE ЖУРАВЛЬ οδος Cafe\u0301 「鶴」'), [
    'STRAßE',
    'ЖУРАВЛЬ',
    'οδος',
    'Cafe\u0301',
    '鶴',
  ])
  assert.deepEqual(found(rules, 'Straßen журавлём cafés'), [])
})

test('disguises are seen through', () => {
  assert.deepEqual(found(list(['heron']), 'he\u200bron ｈｅｒｏｎ'), ['he\u200bron', 'ｈｅｒｏｎ'])
})

test('case counts when it is asked for', () => {
  assert.deepEqual(found(list(['Heron'], [], true), 'heron Heron HERON'), ['Heron'])
})

test('patterns are found in linear time', () => {
  const rules = list([], ['P-\\d{4}', '(a+)+\\$'])
  assert.deepEqual(found(rules, 'see p-1234'), ['p-1234'])
  assert.deepEqual(found(rules, 'a'.repeat(5_000)), [])
})

test('patterns that need backtracking, and empty words, are refused', () => {
  for (const pattern of ['(?=a)b', '(a)\\1', 'a{1,2000}', '(']) {
    assert.throws(
      () => list([], [pattern]),
      (error: unknown) => error instanceof SallyportError && error.code === 'policy_invalid',
      pattern,
    )
  }
  assert.throws(() => list([' ']), SallyportError)
})

test('what could become a keyword is pending', () => {
  const rules = list(['heron', 'blue kite'])
  assert.equal(rules.pendingFrom('see he'), 4)
  assert.equal(rules.pendingFrom('see heron'), 4)
  assert.equal(rules.pendingFrom('see heron '), 10)
  assert.equal(rules.pendingFrom('see the blue ki'), 8)
  assert.equal(rules.pendingFrom('xhe'), 3)
  assert.equal(rules.pendingFrom('see you'), 7)
})

test('what could become a match of a pattern is pending', () => {
  const rules = list([], ['P-\\d{4}x'])
  assert.equal(rules.pendingFrom('see p-12'), 4)
  assert.equal(rules.pendingFrom('see p-12y'), 9)
  assert.equal(list([], ['foo.*bar']).pendingFrom('a foo and so on'), 2)
})

test('a text is looked through in steps, and the findings are those of one step', () => {
  const rules = list(['heron', 'blue kite'], ['P-\\d{4}', '(?:[a-z]{1,30} ){1,15}!'])
  const text = 'a heron, Ｂｌｕｅ kite, P-1234, and so on; '.repeat(3_000)
  const expected = rules.find(text)
  assert.equal(expected.length, 9_000)
  const reading = rules.shared!.readerFor([rules.digest])(text, '')
  let steps = 1
  while (reading.advance(10_000)) steps++
  assert.deepEqual(reading.found(), [expected])
  assert.ok(steps > 100)
  assert.ok(reading.spent!() > 100 * text.length)
})

test('wherever a stream is cut, a match over the cut is pending from its beginning on', () => {
  const rules = list(['heron', 'blue kite', 'C++', '計画', 'he', 'ΟΔΟΣ', '헤론'], ['P-\\d{2}', 'kite.?s'])
  const piece = fc.constantFrom(
    'heron',
    'he',
    'blue',
    ' ',
    '\n ',
    'kite',
    'C+',
    '+',
    '計',
    '画',
    'ς',
    'οδο',
    '헤론',
    'p-1',
    '1',
    's',
    'é',
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), fc.nat(30), (pieces, at) => {
      const text = pieces.join('')
      const cut = Math.min(at, text.length)
      const pending = rules.pendingFrom(text.slice(0, cut))
      for (const { start, end } of rules.find(text))
        assert.ok(start >= cut || end <= cut || pending <= start, `${text} ${cut}`)
      for (const { start, end } of rules.find(text.slice(0, cut)))
        if (end <= pending)
          assert.ok(
            rules.find(text).some((one) => one.start < end && one.end > start),
            `${text} ${cut}`,
          )
    }),
    { numRuns: 3_000 },
  )
})

test('the digest follows the list', () => {
  assert.equal(list(['a']).digest, list(['a']).digest)
  assert.notEqual(list(['a']).digest, list(['b']).digest)
})
