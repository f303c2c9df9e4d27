import assert from 'node:assert/strict'
import { test } from 'node:test'
import { configInvalid, inFileOrder, problemLine } from '../../src/config/problems.ts'
import type { ConfigProblem } from '../../src/config/problems.ts'

const inFile = (line: number, column: number, message: string, hint?: string): ConfigProblem => ({
  at: { kind: 'file', file: 'f.yaml', line, column },
  key: '',
  message,
  hint,
})
const inEnvironment: ConfigProblem = {
  at: { kind: 'environment', name: 'SALLYPORT_X' },
  key: '',
  message: 'names no setting',
}
const inFlag: ConfigProblem = { at: { kind: 'flag', key: 'a.b' }, key: 'a.b', message: 'bad' }

const lines: [ConfigProblem, string][] = [
  [inFile(3, 5, 'unknown key x', 'did you mean y?'), 'f.yaml:3:5: unknown key x (did you mean y?)'],
  [inFile(0, 0, 'cannot be read'), 'f.yaml: cannot be read'],
  [inEnvironment, 'environment SALLYPORT_X: names no setting'],
  [inFlag, 'flag a.b: bad'],
]

for (const [problem, line] of lines) {
  test(`a problem is written as ${line}`, () => {
    assert.equal(problemLine(problem), line)
  })
}

test('problems are in the order of the file, those from elsewhere behind', () => {
  const [a, b, c] = [inFile(2, 9, 'a'), inFile(2, 10, 'b'), inFile(10, 1, 'c')]
  assert.deepEqual(inFileOrder([inEnvironment, c, b, inFlag, a]), [a, b, c, inEnvironment, inFlag])
})

test('one problem keeps its hint as the hint of the error; several are one a line', () => {
  const one = configInvalid([inFile(3, 5, 'unknown key x', 'did you mean y?')])
  assert.deepEqual(
    [one.code, one.message, one.hint],
    ['config_invalid', 'f.yaml:3:5: unknown key x', 'did you mean y?'],
  )
  const two = configInvalid([inFile(1, 1, 'a', 'b'), inFlag])
  assert.equal(two.message, 'f.yaml:1:1: a (b)\nflag a.b: bad')
  assert.match(two.hint, /config schema/)
})
