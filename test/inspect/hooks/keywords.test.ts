import assert from 'node:assert/strict'
import test from 'node:test'
import { keywords } from '../../../src/inspect/hooks/keywords.ts'
import { env, found } from '../../support/hooks.ts'

const file = '\uFEFF# projects\r\nBlue Heron\r\n\r\n  Kestrel  \n#no\n'

test('words of the list, of the file and patterns are found under the name of the list', () => {
  const hook = keywords.create(
    { name: 'birds', words: ['Osprey'], patterns: ['bird-[0-9]+'], file: 'birds.txt' },
    {
      ...env,
      readFile: (path) => (path === 'birds.txt' ? file : assert.fail(path)),
    },
  )
  const text = 'the osprey, the BLUE HERON, a kestrel, bird-77, no, projects'
  assert.deepEqual(
    found(hook, text),
    ['osprey', 'BLUE HERON', 'kestrel', 'bird-77'].map((value) => ['KEYWORD:birds', value]),
  )
})

test('only whole words, and the case only when it is asked for', () => {
  const hook = keywords.create({ name: 'n', words: ['Kestrel'], caseSensitive: true }, env)
  assert.deepEqual(found(hook, 'kestrel Kestrels xKestrel Kestrel.'), [['KEYWORD:n', 'Kestrel']])
})

test('a list without name or words is refused', () => {
  for (const options of [{ words: ['a'] }, { name: 'n' }, { name: 'a b', words: ['a'] }, { name: 'n', words: [''] }]) {
    assert.equal(keywords.options.safeParse(options).success, false, JSON.stringify(options))
  }
})

test('a file that cannot be read and a pattern that does not compile are errors when the hook is made', () => {
  const missing = {
    ...env,
    readFile: () => {
      throw new Error('ENOENT')
    },
  }
  assert.throws(() => keywords.create({ name: 'n', file: 'x' }, missing), /ENOENT/)
  assert.throws(() => keywords.create({ name: 'n', patterns: ['('] }, env), /pattern/)
})
