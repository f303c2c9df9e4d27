import assert from 'node:assert/strict'
import { test } from 'node:test'
import { UsageError } from '../../src/cli/command.ts'

test('wrong usage has its own class, and a hint where there is one', () => {
  const cases = [
    { error: new UsageError('give a file'), hint: undefined },
    { error: new UsageError('give a file', 'as in `sallyport ledger export -o FILE`'), hint: /export/ },
  ]
  for (const { error, hint } of cases) {
    assert.ok(error instanceof Error)
    assert.deepEqual([error.name, error.message], ['UsageError', 'give a file'])
    if (hint === undefined) assert.equal(error.hint, undefined)
    else assert.match(error.hint ?? '', hint)
  }
})
