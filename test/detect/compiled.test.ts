import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileRule } from '../../src/detect/compiled.ts'
import type { Rule } from '../../src/detect/pack.ts'

const rule = (pattern: string, more: Partial<Rule> = {}): Rule => ({
  id: 'r',
  type: 'R',
  pattern,
  keywords: [],
  confidence: 1,
  severity: 'low',
  examples: { match: ['x'], noMatch: ['y'] },
  ...more,
})

test('keywords at the beginning of a pattern are told from keywords in its middle', () => {
  const compiled = compileRule(rule('(?:ab|cd)_x{1,3}', { keywords: ['ab_', 'cd_', 'x'] }), 'p')
  assert.deepEqual([...compiled.leading], ['ab_', 'cd_'])
  assert.deepEqual([...compileRule(rule('[a-z]{1,9}-us', { keywords: ['-us', 'zz'] }), 'p').leading], [])
})

test('what cannot begin right after a letter is known', () => {
  assert.equal(compileRule(rule('(?<![A-Za-z0-9])ab'), 'p').bounded, true)
  assert.equal(compileRule(rule('{{start}}ab'), 'p').bounded, true)
  assert.equal(compileRule(rule('(?<![0-9])ab'), 'p').bounded, false)
})

test('first characters, length and white space of matches are known', () => {
  const compiled = compileRule(rule('[A-C]\\d{2,4}'), 'p')
  assert.equal(compiled.beginsWith('XYB'), true)
  assert.equal(compiled.beginsWith('0123456789'), false)
  assert.equal(compiled.maxLength, 5)
  assert.equal(compiled.solid, true)
  assert.equal(compileRule(rule('a[^b]{1,2}'), 'p').solid, false)
})

test('an assignment spans the ways of giving a value to a name', () => {
  const { here } = compileRule(rule('(?i)token{{assign}}([0-9]{4})', { group: 1 }), 'p')
  const texts = [
    'token=1234',
    'token: 1234',
    'token => "1234"',
    'TOKEN := `1234`',
    '"token": "1234"',
    '\\"token\\": \\"1234\\"',
    "token_key = '1234'",
    'tokenValue string = "1234"',
    'setProperty("token", "1234")',
    'token("1234")',
    '<token>1234',
    '<token>\n  1234',
    'token is 1234',
    "['token'] == '1234'",
    'token ?= 1234',
  ]
  for (const text of texts) {
    here.lastIndex = text.toLowerCase().indexOf('token')
    assert.equal(here.exec(text)?.[1], '1234', text)
  }
})
