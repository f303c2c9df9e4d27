import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { unsupportedIn } from '../../src/detect/operator-syntax.ts'

const refused: readonly [pattern: string, what: RegExp, at: number][] = [
  ['(?=a)b', /look-ahead/, 0],
  ['a(?!b)', /negative look-ahead/, 1],
  ['x(?<=a)b', /look-behind/, 1],
  ['(?<!a)b', /negative look-behind/, 0],
  ['(a)\\1', /back reference/, 3],
  ['(?P<n>a)\\k<n>', /back reference/, 8],
  ['(?P=n)', /back reference/, 0],
  ['ab{1,2000}', /more than 1,000/, 2],
  ['a{1001}', /more than 1,000/, 1],
  ['a{2000,}', /more than 1,000/, 1],
  ['a*+', /possessive/, 1],
  ['a{2,3}+', /possessive/, 1],
  ['(?>a)', /atomic/, 0],
  ['(?#why)a', /comment/, 0],
  ['(?x) a', /flag/, 0],
  ['(?R)', /recursion/, 0],
  ['(?(1)a|b)', /condition/, 0],
  ['\\u0041', /\\u/, 0],
  ['[\\u0041]', /\\u/, 1],
  ['\\h', /\\h/, 0],
  ['a\\Z', /\\Z/, 1],
  ['\\p{Script=Greek}', /property/, 0],
]

test('what is not supported is named, with its place and another way to write it', () => {
  for (const [pattern, what, at] of refused) {
    const found = unsupportedIn(pattern)
    assert.match(found?.what ?? 'nothing', what, pattern)
    assert.equal(found?.at, at, pattern)
    assert.match(found?.hint ?? '', /\.$/, pattern)
  }
})

test('what only looks like it is left alone', () => {
  for (const pattern of [
    '\\(?=a',
    '[(?=a]b',
    '[]a(?=]',
    '[^](?=]',
    '[[:alpha:](?=]x',
    '\\Q(?=a)\\E',
    '\\Q(?=',
    '\\\\1',
    '[\\1]?',
    'a{1000}',
    'a{1,1000}',
    'a{1000,}b+',
    'x{5}{2}'.slice(0, 4),
    '(?P<n>a)(?:b)(?i:c)(?s)d',
    'a+?b*?',
    '\\+\\+',
  ])
    assert.equal(unsupportedIn(pattern), undefined, pattern)
})

test('any string is gone through', () => {
  const piece = fc.constantFrom(
    '\\',
    '(',
    '?',
    '=',
    '[',
    ']',
    '^',
    ':',
    'Q',
    'E',
    '1',
    '{',
    '}',
    ',',
    '+',
    'a',
    '[:',
    ':]',
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const found = unsupportedIn(pieces.join(''))
      assert.ok(found === undefined || found.at < pieces.join('').length)
    }),
    { numRuns: 3_000 },
  )
})
