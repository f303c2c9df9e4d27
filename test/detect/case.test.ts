import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { hasModifiers, withoutModifiers } from '../../src/detect/case.ts'

test('characters in any case match what the flag would make of them', () => {
  const text = fc.string({ unit: fc.constantFrom(...'abcABCkKeEyY1-.éÉ '), maxLength: 8 })
  const patterns = ['[a-c]{2}1|[^b]$', 'k[eE]y|\\w-', '(?<!a)b(?!c)', '[\\w.-]c|\\.|é', '[^a-c -]{1,2}?y', '.\\d|\\bab']
  for (const pattern of patterns) {
    const [plain, flagged] = [new RegExp(withoutModifiers(pattern, true)), new RegExp(pattern, 'i')]
    fc.assert(fc.property(text, (text) => assert.deepEqual(plain.exec(text), flagged.exec(text), `${pattern} ${text}`)))
  }
})

test('a group says for itself whether case counts', () => {
  const cases = [
    ['a(?i:b)c', false, 'a[bB]c'],
    ['a(?-i:b)c', true, '[aA]b[cC]'],
    ['(?i:k(?-i:ey)+)', false, '[kK](?:ey)+'],
    ['(?i:[a-z]{6}1|[a-z]{3}$)', false, '[a-zA-Z]{6}1|[a-zA-Z]{3}$'],
  ] as const
  const text = fc.string({ unit: fc.constantFrom(...'abcABCkKeEyY1'), maxLength: 8 })
  for (const [pattern, anyCase, same] of cases) {
    const plain = withoutModifiers(pattern, anyCase)
    assert.equal(hasModifiers(pattern), true)
    assert.equal(hasModifiers(plain), false)
    fc.assert(fc.property(text, (text) => assert.deepEqual(new RegExp(plain).exec(text), new RegExp(same).exec(text))))
  }
})

test('groups keep their numbers', () => {
  assert.deepEqual(new RegExp(withoutModifiers('^(a)(?i:x(b))$', false)).exec('aXB')?.slice(1), ['a', 'B'])
})
