import assert from 'node:assert/strict'
import { test } from 'node:test'
import { main } from '../../../src/audit/verify/main.ts'
import { chainColumns } from '../../../src/store/chain.ts'
import { tempFolder } from '../../support/temp.ts'

test('wrong usage is 2, a folder that is no bundle is 1', async (t) => {
  const said = t.mock.method(console, 'error', () => {})
  const run = (...args: string[]): Promise<number> => main(args, tempFolder('here'), chainColumns)
  for (const args of [['--what'], ['a', 'b'], ['--public-key'], ['--checkpoints'], ['--help']])
    assert.equal(await run(...args), 2, args.join(' '))
  assert.match(String(said.mock.calls[0]?.arguments[0]), /^usage: node verify\.mjs /)
  assert.equal(await run(), 1)
  assert.match(String(said.mock.calls.at(-1)?.arguments[0]), /^error: .* is not a bundle/)
  assert.equal(await run('--public-key', 'none', tempFolder('none')), 1)
})
