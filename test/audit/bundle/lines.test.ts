import assert from 'node:assert/strict'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { lineFile } from '../../../src/audit/bundle/lines.ts'
import { tempFolder } from '../../support/temp.ts'

test('lines are in the file, in their order, however many and long they are', () => {
  const path = join(tempFolder('lines'), 'x.jsonl')
  const values = Array.from({ length: 300 }, (_, i) => ({ i, text: 'é'.repeat(i * 10) }))
  {
    using file = lineFile(path)
    for (const value of values) file.add(value)
    file.text('last\n')
  }
  const lines = readFileSync(path, 'utf8').split('\n')
  assert.deepEqual(
    lines.slice(0, 300).map((line) => JSON.parse(line)),
    values,
  )
  assert.deepEqual(lines.slice(300), ['last', ''])
  assert.equal(statSync(path).mode & 0o777, 0o600)
  assert.throws(() => lineFile(path), /EEXIST/)
})
