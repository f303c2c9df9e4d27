import assert from 'node:assert/strict'
import { test } from 'node:test'
import { beginningSource, lookAhead, lookBack, openSource, readsPast } from '../../src/detect/open-ends.ts'
import { parsePattern } from '../../src/detect/syntax.ts'

const tree = (source: string): ReturnType<typeof parsePattern> => parsePattern(source)

function isOpen(source: string, text: string): boolean {
  return new RegExp(openSource(tree(source)), 'y').test(text)
}

function isBegun(source: string, text: string): boolean {
  return new RegExp(beginningSource(tree(source)), 'y').test(text)
}

test('a match is open while it, or what its look-aheads read, reaches the end', () => {
  const cases: [source: string, text: string, open: boolean][] = [
    ['\\d{3}(?!\\.\\d)', '123', true],
    ['\\d{3}(?!\\.\\d)', '123.', true],
    ['\\d{3}(?!\\.\\d)', '123. ', false],
    ['\\d{3}(?![A-Z]|\\.\\d)', '123 ', false],
    ['(?<!x)ab(?=.{0,3}!)', 'ab..', true],
    ['(?<!x)ab(?=.{0,3}!)', 'ab....', false],
    ['ab(?: cd)?', 'ab c', true],
    ['ab(?: cd)?', 'ab d', false],
    ['(?:a(?!bc)|x)b', 'ab', true],
    ['(?:a(?!bc)|x)b', 'ab ', false],
    ['(?=[a-z]{0,9}\\d)[a-z\\d]{4}', 'abc1 ', false],
    ['(?=[a-z]{0,9}\\d)[a-z\\d]{4}', 'abcd', true],
    ['a(?!b(?!cd))b?', 'abc', true],
  ]
  for (const [source, text, open] of cases) assert.equal(isOpen(source, text), open, `${source} ${text}`)
})

test('what is no match yet has begun while a look-ahead can still be satisfied', () => {
  assert.equal(isBegun('ab(?=.{0,3}!)', 'ab..'), true)
  assert.equal(isBegun('ab(?=.{0,3}!)', 'ab....'), false)
  assert.equal(isBegun('ab(?! no)', 'ab n'), false)
  assert.equal(isBegun('(?!xy)[a-z]{5}', 'xyz'), false)
  assert.equal(isBegun('(?!xy)[a-z]{5}', 'xaz'), true)
})

test('of the ways in which a group may have begun each leaves a mark', () => {
  const begun = new RegExp(beginningSource(tree('p=(?:@(?="))?(\\S{3,9})'), 1), 'dy')
  const marks = (text: string): (number | undefined)[] => {
    begun.lastIndex = 0
    return (begun.exec(text)?.indices ?? []).slice(1).map((one) => one?.[0])
  }
  assert.ok(marks('p=@').includes(2))
  assert.ok(marks('p=ab').includes(2))
  assert.ok(marks('p=a b').every((mark) => mark === undefined))
})

test('how far a pattern reads before its value and behind its end', () => {
  assert.equal(lookBack(tree('(?<![a-z]{2})key[ =]{1,4}(\\w{3})'), 1), 7 + 3)
  assert.equal(lookBack(tree('\\bab'), 0), 1)
  assert.equal(lookAhead(tree('ab(?!\\.\\d)')), 2)
  assert.equal(lookAhead(tree('ab')), 0)
  assert.equal(readsPast(tree('ab(?= c)'), ' '), true)
  assert.equal(readsPast(tree('ab(?= )'), ' '), false)
  assert.equal(readsPast(tree('a b(?!c)'), ' '), false)
})
