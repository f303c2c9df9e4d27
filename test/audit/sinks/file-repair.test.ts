import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { appendFile, open } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { repair } from '../../../src/audit/sinks/file-repair.ts'
import { tempFolder } from '../../support/temp.ts'

const cases: [string, string, boolean, string][] = [
  ['an empty file', '', true, ''],
  ['whole lines', '{"a":1}\n', true, '{"a":1}\n'],
  ['half a line behind a whole one', '{"a":1}\n{"b', true, '{"a":1}\n'],
  ['half a line alone', '{"b', true, ''],
  ['a whole line without its end', '{"a":1}\n{"b":2}', true, '{"a":1}\n{"b":2}\n'],
  ['a number is no row', '{"a":1}\n12', true, '{"a":1}\n'],
  ['whole JSON where lines are no JSON', 'CEF:0|a\n{"b":2}', false, 'CEF:0|a\n'],
  ['a last line that is longer than one reading', `{"a":1}\n${'x'.repeat(200_000)}`, true, '{"a":1}\n'],
]

for (const [what, before, json, after] of cases) {
  test(`${what}: mended`, async () => {
    const path = join(tempFolder('repair'), 'x')
    writeFileSync(path, before)
    const file = await open(path, 'a+')
    await repair(file, json)
    await file.close()
    assert.equal(readFileSync(path, 'utf8'), after)
  })
}

test('a line that another program is still writing is left to it', async () => {
  const path = join(tempFolder('repair'), 'x')
  writeFileSync(path, '{"a":1}\n{"b"')
  const file = await open(path, 'a+')
  const mending = repair(file, true)
  await appendFile(path, ':2}\n')
  await mending
  await file.close()
  assert.equal(readFileSync(path, 'utf8'), '{"a":1}\n{"b":2}\n')
})
