import assert from 'node:assert/strict'
import { test } from 'node:test'
import { filled, run } from '../support/exporting.ts'

test('what does not go together is wrong usage', async () => {
  const { cwd } = await filled()
  for (const args of [
    ['--format', 'xml'],
    ['--retry'],
    ['--status', '--test', 'a'],
    ['--table', 'connections', '--model', 'x'],
  ]) {
    assert.equal((await run(cwd, ...args)).status, 2, args.join(' '))
  }
})
