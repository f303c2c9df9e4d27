import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileRule } from '../../src/detect/compiled.ts'
import type { Compiled } from '../../src/detect/compiled.ts'
import { groupOf, matchesAt } from '../../src/detect/group.ts'

function rule(id: string, pattern: string, required = false): Compiled {
  const context = { words: ['number'], within: 60, required, boost: 0, not: [] }
  const examples = { match: ['-'], noMatch: ['-'] }
  return compileRule(
    { id, type: 'NUMBER', pattern, keywords: [], trigger: 'digits', context, confidence: 1, severity: 'low', examples },
    'test',
  )
}

test('one question tells whether any rule of a group matches, whatever their case and what may stand before', () => {
  const group = groupOf([rule('a', '(?<!\\d)12{3}'), rule('b', '(?<!\\d)13'), rule('c', '(?i)x1')], [])
  for (const [text, at, expected] of [
    ['1222', 0, true],
    ['13', 0, true],
    ['X1', 0, true],
    ['313', 1, false],
    ['14', 0, false],
  ] as const)
    assert.equal(matchesAt(group.any, text, at), expected, text)
})

test('rules that want a word before are apart, by their numbers among all that do', () => {
  const [free, first, second] = [rule('a', '1'), rule('b', '2', true), rule('c', '3', true)]
  const group = groupOf([free, second], [first, second])
  assert.deepEqual(group.free, [free])
  assert.deepEqual(
    [...group.wanting.values()].map(({ rule, number }) => [rule.id, number]),
    [['c', 1]],
  )
})
