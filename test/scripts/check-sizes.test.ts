import assert from 'node:assert/strict'
import { test } from 'node:test'
import { codeFiles, sizeProblems } from '../../scripts/check-sizes.ts'

test('a file over the limit is named with its length', () => {
  const files = new Map([
    ['src/a.ts', 'x\n'.repeat(3)],
    ['src/b.ts', 'x\n'.repeat(2)],
    ['src/c.ts', 'x\nx\nx'],
  ])
  assert.deepEqual(sizeProblems(files, 2), ['src/a.ts: 3 lines, at most 2', 'src/c.ts: 3 lines, at most 2'])
})

test('the code of this repository is seen', () => {
  const files = codeFiles()
  for (const path of [
    'bin/sallyport.mjs',
    'scripts/check.ts',
    'src/core/errors.ts',
    'test/scripts/check-sizes.test.ts',
  ])
    assert.ok(files.has(path), path)
})
