import assert from 'node:assert/strict'
import { test } from 'node:test'
import { program, runChecks } from '../../scripts/check.ts'

test('only failures and one summary line are printed', async () => {
  const lines: string[] = []
  const good = { name: 'good', run: () => [] }
  const bad = { name: 'bad', run: async () => ['a: wrong'] }
  assert.equal(await runChecks([good, bad, good], (line) => lines.push(line)), 1)
  assert.deepEqual(lines.slice(0, 2), ['── bad', 'a: wrong'])
  assert.match(lines[2] as string, /^check: bad failed/)
  assert.equal(lines.length, 3)
})

test('checks that pass end with one line and status 0', async () => {
  const lines: string[] = []
  assert.equal(await runChecks([{ name: 'good', run: () => [] }], (line) => lines.push(line)), 0)
  assert.match(lines.join('\n'), /^check: 1 ok in \d+\.\d s$/)
})

test('a program passes by exit status and fails with its output', async () => {
  assert.deepEqual(await program('oxfmt', 'oxfmt/bin/oxfmt', ['--check', 'scripts/check.ts']).run(), [])
  assert.match((await program('oxfmt', 'oxfmt/bin/oxfmt', ['--check', 'no/such/file.ts']).run()).join(), /\S/)
})

test('a program that is not installed is a failure', async () => {
  assert.match((await program('nothing', 'nothing/bin/nothing', []).run()).join(), /Cannot find module|nothing/)
})
