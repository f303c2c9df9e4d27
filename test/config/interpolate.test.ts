import assert from 'node:assert/strict'
import { test } from 'node:test'
import { interpolate } from '../../src/config/interpolate.ts'
import { formatProblem, readYaml } from '../../src/lib/yaml-strict.ts'

function filled(text: string, env: Record<string, string>) {
  const document = readYaml(text, 'f.yaml')
  if ('problems' in document) assert.fail('the test has bad YAML')
  return interpolate(document, env)
}

const cases: [string, string, string][] = [
  ['a name alone', '${A}', 'one'],
  ['names inside a text', 'http://${A}:${B}@h', 'http://one:two@h'],
  ['an empty variable', '[${EMPTY}]', '[]'],
  ['an escape', '$${A} ${A}', '${A} one'],
  ['a dollar without a brace', '$A $', '$A $'],
  ['a value that looks like a reference', '${TRICKY}', '${A}'],
]

for (const [name, text, expected] of cases) {
  test(`${name} is replaced as it should be`, () => {
    const { value, problems } = filled(JSON.stringify({ k: text }), { A: 'one', B: 'two', EMPTY: '', TRICKY: '${A}' })
    assert.deepEqual(value, { k: expected })
    assert.deepEqual(problems, [])
  })
}

test('every missing name is reported with its place', () => {
  const { problems } = filled('a: "${X} ${Y}"\nb:\n  - c: ${Z}\n', {})
  assert.deepEqual(problems.map(formatProblem), [
    'f.yaml:1:4: a needs the environment variable X, which is not set',
    'f.yaml:1:4: a needs the environment variable Y, which is not set',
    'f.yaml:3:8: b[0].c needs the environment variable Z, which is not set',
  ])
})

for (const text of ['${', '${}', '${1A}', '${A:-x}', '${A']) {
  test(`${text} is no reference and is refused`, () => {
    const { problems } = filled(JSON.stringify({ k: text }), { A: 'one' })
    assert.equal(problems.length, 1)
    assert.match(problems[0]?.message ?? '', /without a name/)
  })
}

test('values that came from the environment are remembered, others are not', () => {
  const { touched } = filled('a: ${A}\nb: plain\nc: ["x", "${A}"]\nd: "$${A}"', { A: 'one' })
  assert.deepEqual(touched, [['a'], ['c', 1]])
})

test('names of what every object has are missing too', () => {
  assert.equal(filled('a: ${constructor}', {}).problems.length, 1)
})
