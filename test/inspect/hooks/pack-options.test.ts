import assert from 'node:assert/strict'
import test from 'node:test'
import { SallyportError } from '../../../src/core/errors.ts'
import { checkNames, choiceOf, PackOptions } from '../../../src/inspect/hooks/pack-options.ts'
import { env } from '../../support/hooks.ts'

test('without options everything of the hook is chosen from confidence one half up', () => {
  const options = PackOptions.parse({})
  assert.deepEqual(choiceOf(options, { types: ['SECRET'] }), {
    packs: ['all'],
    types: ['SECRET'],
    minConfidence: 0.5,
    exclude: [],
  })
  assert.deepEqual(choiceOf({ ...options, types: ['A'] }, { exclude: ['SECRET'] }).types, ['A'])
})

for (const [options, message, hint] of [
  [{ types: ['EMIAL'] }, 'there is no type "EMIAL"', 'Did you mean EMAIL?'],
  [{ packs: ['tset'] }, 'there is no pack "tset"', 'Did you mean test?'],
  [{ exclude: ['zk-kye'] }, 'there is no rule or type "zk-kye"', 'Did you mean zk-key?'],
] as const) {
  test(`a misspelt name is an error: ${message}`, () => {
    const wrong = (error: unknown): boolean =>
      error instanceof SallyportError && error.message === message && error.hint === hint
    assert.throws(() => checkNames(PackOptions.parse(options), env.book.packs, () => true), wrong)
  })
}

test('options are strict', () => {
  for (const options of [{ type: [] }, { minConfidence: 2 }, { packs: [] }])
    assert.equal(PackOptions.safeParse(options).success, false)
})
