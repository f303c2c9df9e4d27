import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isTypesOnly, testProblems } from '../../scripts/check-tests.ts'

const code = 'export const a = 1'

test('a source file without a mirrored test is named', () => {
  const tests = new Map([['test/tls/ca.test.ts', `test('a', () => {})`]])
  const sources = new Map([
    ['src/tls/ca.ts', code],
    ['src/tls/mint.ts', code],
  ])
  assert.deepEqual(testProblems(sources, tests), ['src/tls/mint.ts: has no test/tls/mint.test.ts'])
})

test('registries, files of types and main.ts need no test', () => {
  const sources = new Map([
    ['src/main.ts', code],
    ['src/tls/index.ts', code],
    ['src/tls/types.ts', 'export type A = string'],
  ])
  assert.deepEqual(testProblems(sources, new Map()), [])
})

test('a test file without a test in it is named', () => {
  const found = testProblems(new Map([['src/tls/ca.ts', code]]), new Map([['test/tls/ca.test.ts', 'export {}']]))
  assert.deepEqual(found, ['test/tls/ca.test.ts: declares no test'])
})

test('no source files at all is a failure', () => {
  assert.deepEqual(testProblems(new Map(), new Map()), ['src: no source files found'])
})

const texts: [text: string, typesOnly: boolean][] = [
  ['/** A. */\nexport type A = { readonly b: string }\n\n// more\nexport interface B {}\n', true],
  [`import type { A } from './a.ts'\nexport type B = A`, true],
  ['export type A = string\nexport const a = 1', false],
  [`export { a } from './a.ts'`, false],
]

for (const [text, expected] of texts) {
  test(`types only is ${expected} for ${JSON.stringify(text)}`, () => assert.equal(isTypesOnly(text), expected))
}
