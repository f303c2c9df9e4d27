import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ruleBook } from '../../src/detect/index.ts'
import { compilePolicies } from '../../src/policy/compile.ts'
import { readAll, setOf, sources } from './fixture.ts'

test('what no file says is the default', async () => {
  const { mode, mismatch, oversize, unreadable, notTls, unnamed, hiddenName, onRejectedLeaf, ...held } = await setOf('')
  const { holdbackChars, holdbackMs } = held
  assert.deepEqual(
    { mode, mismatch, oversize, unreadable, notTls, unnamed, hiddenName, onRejectedLeaf, holdbackChars, holdbackMs },
    {
      mode: 'enforce',
      mismatch: 'deny',
      oversize: 'block',
      unreadable: 'block',
      notTls: 'deny',
      unnamed: 'deny',
      hiddenName: 'deny',
      onRejectedLeaf: 'refuse',
      holdbackChars: 512,
      holdbackMs: 250,
    },
  )
})

test('a single value of a later file overrides, lists append in order', async () => {
  const word = (name: string): string => `rules: [{ name: ${name}, hook: words, action: flag }]`
  const set = await setOf(
    `mode: observe\noversize: allow\n${word('first')}\ntests: [{ name: t, request: { text: x }, expect: { action: allow } }]`,
    `mode: enforce\nholdbackChars: 64\n${word('second')}`,
  )
  assert.equal(set.mode, 'enforce')
  assert.equal(set.oversize, 'allow')
  assert.equal(set.holdbackChars, 64)
  assert.deepEqual(
    set.rules.map(({ rule, line }) => [rule.name, line]),
    [
      ['first', 3],
      ['second', 3],
    ],
  )
  assert.deepEqual(
    set.tests.map(({ test, line }) => [test.name, line]),
    [['t', 4]],
  )
  assert.equal(set.files.length, 2)
})

test('the digest is that of the content: spelling does not change it, content, packs and order do', async () => {
  const digest = async (...texts: string[]): Promise<string> => (await setOf(...texts)).digest
  const one = await digest('mode: enforce\noversize: allow')
  assert.match(one, /^[0-9a-f]{64}$/)
  assert.equal(await digest('# said otherwise\noversize: "allow"\nmode:   enforce'), one)
  assert.notEqual(await digest('mode: enforce\noversize: block'), one)
  assert.notEqual(await digest('mode: enforce\noversize: allow', 'mode: enforce'), one)
  assert.notEqual(await digest('mode: enforce', 'mode: observe'), await digest('mode: observe', 'mode: enforce'))
  const packed = compilePolicies(await readAll('mode: enforce\noversize: allow'), {
    ...sources,
    book: ruleBook([{ id: 'p', version: '1', rules: [] }]),
  })
  assert.ok(!('problems' in packed))
  assert.notEqual(packed.digest, one)
})

test('a rule or test name may stand once in all files', async () => {
  const found = compilePolicies(
    await readAll(
      'rules: [{ name: a, hook: words, action: flag }, { name: a, hook: words, action: flag }]',
      'tests:\n  - { name: t, request: { text: x }, expect: { action: allow } }\n  - { name: t, request: { text: y }, expect: { action: allow } }',
    ),
    sources,
  )
  assert.ok('problems' in found)
  assert.deepEqual(
    found.problems.map(({ file, line, message }) => [file, line, message]),
    [
      ['0.yaml', 1, 'the rule a is already there'],
      ['1.yaml', 3, 'the test t is already there'],
    ],
  )
})
