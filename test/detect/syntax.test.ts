import assert from 'node:assert/strict'
import { test } from 'node:test'
import { accepts, explosive, longest, parsePattern, partialFromGroup, partialSource } from '../../src/detect/syntax.ts'

const patterns: [source: string, match: string, longest: number][] = [
  ['abc', 'abc', 3],
  ['gh[pos]_[A-Za-z0-9]{4,6}(?![A-Za-z0-9])', 'gho_Ab12', 10],
  ['(?<![a-z])(?:foo|ba{1,3}r)\\.x', 'baar.x', 7],
  ['(?i:key)\\s{0,2}=\\s{0,2}([^\\s"]{2,8})', 'KEY = v4lue', 16],
  ['\\d{2}(?:[ -]?\\d{3}){2,4}', '12 345-678901', 18],
  ['a(?:b(?:c|d){2}){1,2}e?', 'abcdbdc', 8],
  ['\\u0041\\x42[\\]\\\\a-]{1,2}', 'AB]\\', 4],
]

for (const [source, match, length] of patterns) {
  test(`every beginning of a match of ${source} is known as one`, () => {
    const tree = parsePattern(source)
    const beginning = new RegExp(partialSource(tree), 'y')
    assert.equal(longest(tree), length)
    assert.ok(new RegExp(`^(?:${source})$`).test(match))
    for (let cut = 0; cut <= match.length; cut++) {
      beginning.lastIndex = 0
      assert.ok(beginning.test(match.slice(0, cut)), match.slice(0, cut))
    }
    for (let cut = 1; cut < match.length; cut++) {
      beginning.lastIndex = 0
      assert.equal(beginning.test(`${match.slice(0, cut)}"`), false)
    }
  })
}

test('the beginning of a value is marked once it is reached, not before', () => {
  const source = '(?i:token)\\s{0,2}[:=]\\s{0,2}(?:x|(["\']?[a-z]{3,9}))'
  const reached = new RegExp(partialFromGroup(parsePattern(source), 1), 'dy')
  const places: [string, number | undefined][] = [
    ['token', undefined],
    ['token =', 7],
    ['token = ', 8],
    ['token = ab', 8],
    ['token = "ab', 8],
    ['token = 1', undefined],
  ]
  for (const [text, place] of places) {
    reached.lastIndex = 0
    const marks = reached.exec(text)?.indices?.slice(1) ?? []
    assert.equal(marks.find((mark) => mark !== undefined)?.[0], place, text)
  }
})

test('repeats without an upper bound are infinitely long', () => {
  for (const source of ['a+', 'a*b', '(?:ab){2,}']) assert.equal(longest(parsePattern(source)), Infinity)
})

test('repeats of variable repeats are explosive unless something fixed is between', () => {
  for (const source of ['(?:a{1,9}){1,9}', '(a?){9,10}', '(?:(?:a|b){0,4}){2,3}'])
    assert.equal(explosive(parsePattern(source)), true, source)
  for (const source of ['(?:a{1,9}\\.){1,9}', 'a{1,9}b{1,9}', '(?:\\d[ -]?){4,8}', '(?:a{2}){1,3}']) {
    assert.equal(explosive(parsePattern(source)), false, source)
  }
})

test('repeats of options that are the same are explosive, too', () => {
  for (const source of ['x(?:a|a){1,50}b', '(\\w|\\d){9}', '(?:(?:b|.|\\n)){0,30}']) {
    assert.equal(explosive(parsePattern(source)), true, source)
  }
  for (const source of ['(?:a|b){1,50}', '(?:[^"\\\\]|\\\\.){0,99}', '(?:\\w|\\d){3}']) {
    assert.equal(explosive(parsePattern(source)), false, source)
  }
})

test('what a match can have in it is known', () => {
  assert.equal(accepts(parsePattern('a[b ]{2}(?= x)'), ' '), true)
  assert.equal(accepts(parsePattern('(?:a|[^\\s])(?= x)'), ' '), false)
})

test('what is not understood is refused', () => {
  for (const source of ['(', ')', '[a', '(a)\\1', '*a', 'a\\', '(?<n>a)\\k<n>', 'a|+']) {
    assert.throws(() => parsePattern(source), SyntaxError, source)
  }
})
