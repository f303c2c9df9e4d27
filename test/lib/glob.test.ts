import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { globMatcher } from '../../src/lib/glob.ts'

const cases: readonly [pattern: string, text: string, matches: boolean][] = [
  ['*.example.com', 'a.example.com', true],
  ['*.example.com', 'a.b.example.com', true],
  ['*.example.com', 'example.com', false],
  ['*.example.com', '.example.com', false],
  ['*.example.com', 'badexample.com', false],
  ['*.example.com', 'a.example.com.evil.test', false],
  ['api.openai.com', 'api.openai.com', true],
  ['api.openai.com', 'apixopenai.com', false],
  ['gpt-*', 'gpt-4o', true],
  ['gpt-*', 'my-gpt-4o', false],
  ['*-mini', 'gpt-4o-mini', true],
  ['g?t-*o*', 'gpt-4o-mini', true],
  ['g?t', 'gt', false],
  ['*', '', true],
  ['**', 'anything', true],
  ['?', '', false],
  ['', '', true],
  ['', 'a', false],
  ['a*b*c', 'aXbYbZc', true],
  ['a*b*c', 'aXbYbZ', false],
  ['bedrock-runtime.*.amazonaws.com', 'bedrock-runtime.eu-west-1.amazonaws.com', true],
  ['*.example.c?m', 'a.example.com', true],
  ['10.0.0.*', '10.0.0.7', true],
  ['[ab]', 'a', false],
  ['a.c', 'abc', false],
]

for (const [pattern, text, matches] of cases) {
  test(`${pattern || 'nothing'} ${matches ? 'matches' : 'does not match'} ${JSON.stringify(text)}`, () => {
    assert.equal(globMatcher([pattern])(text), matches)
    assert.equal(globMatcher(['never', '*.never', 'n*r', pattern])(text), matches)
  })
}

test('no patterns match nothing', () => {
  assert.equal(globMatcher([])(''), false)
})

test('case counts unless told otherwise', () => {
  assert.equal(globMatcher(['API.Example.com', '*.Example.org'])('api.example.com'), false)
  const either = globMatcher(['API.Example.com', '*.Example.org', 'G*X'], { ignoreCase: true })
  for (const text of ['api.example.COM', 'A.example.org', 'gGx']) assert.equal(either(text), true, text)
})

test('it agrees with the regular expression that says the same', () => {
  const word = fc.string({ unit: fc.constantFrom('a', 'b', '.', '*', '?'), maxLength: 8 })
  fc.assert(
    fc.property(word, fc.string({ unit: fc.constantFrom('a', 'b', '.'), maxLength: 10 }), (pattern, text) => {
      const said = pattern.replaceAll('.', '\\.').replaceAll('*', '.*').replaceAll('?', '.')
      // A `*` before a dot at the beginning is a label, and a label is not empty.
      const expected =
        new RegExp(`^${said}$`).test(text) &&
        !(/^\*\.[^*?]*$/.test(pattern) && text.startsWith('.') && !text.slice(1).endsWith(pattern.slice(1)))
      assert.equal(globMatcher([pattern])(text), expected)
    }),
    { numRuns: 2000 },
  )
})

test('a pattern of many stars takes no more steps than pattern times text', () => {
  // With exponential backtracking this would not end.
  assert.equal(globMatcher([`${'*a'.repeat(200)}b`])('a'.repeat(20_000)), false)
})
