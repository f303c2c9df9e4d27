import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { readRegularFile } from '../../src/lib/regular-file.ts'
import { tempFolder } from '../support/temp.ts'

test('a file is read; folders, devices and what is too large are errors with a code', () => {
  const folder = tempFolder('regular')
  writeFileSync(join(folder, 'a.txt'), 'naïve')
  mkdirSync(join(folder, 'b'))
  assert.equal(readRegularFile(join(folder, 'a.txt')), 'naïve')
  assert.equal(readRegularFile(join(folder, 'a.txt'), 6), 'naïve')
  for (const [path, code] of [
    [join(folder, 'b'), 'EISDIR'],
    [join(folder, 'c'), 'ENOENT'],
    ['/dev/zero', 'EINVAL'],
  ] as const) {
    assert.throws(() => readRegularFile(path), { code })
  }
  assert.throws(() => readRegularFile(join(folder, 'a.txt'), 5), { code: 'EFBIG' })
})
