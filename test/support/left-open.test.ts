import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { tempFolder } from './temp.ts'

function ran(body: string): { readonly status: number | null; readonly output: string } {
  const file = join(tempFolder('left-open'), 'some.test.mjs')
  writeFileSync(file, `import { test } from 'node:test'\nimport { createServer } from 'node:net'\n${body}`)
  const args = [`--import=${join(import.meta.dirname, 'left-open.ts')}`, '--test', '--test-reporter=tap', file]
  const { NODE_TEST_CONTEXT: _, ...rest } = process.env
  const { status, stdout } = spawnSync(process.execPath, args, {
    env: { ...rest, TEST_PATIENCE_MS: '200' },
    encoding: 'utf8',
  })
  return { status, output: stdout }
}

test('a file of tests that leaves something open fails, and names it', () => {
  const { status, output } = ran(`test('passes', () => { createServer().listen(0) })`)
  assert.equal(status, 1)
  assert.match(output, /ok 1 - passes/)
  assert.match(output, /tests have ended, and it does not: TCPServerWrap/)
})

test('one that leaves nothing open passes', () => {
  const { status, output } = ran(
    `test('passes', (_, done) => { const server = createServer().listen(0, () => server.close(done)) })`,
  )
  assert.equal(status, 0)
  assert.doesNotMatch(output, /does not:/)
})
