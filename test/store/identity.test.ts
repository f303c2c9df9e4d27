import assert from 'node:assert/strict'
import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { identityOf } from '../../src/store/identity.ts'
import { tempFolder } from '../support/temp.ts'

test('a file is known again by what it is, not by its name or content', () => {
  const path = join(tempFolder('identity'), 'a')
  writeFileSync(path, 'x')
  const before = identityOf(path)
  writeFileSync(path, 'other content')
  assert.equal(identityOf(path), before)
  writeFileSync(`${path}.new`, 'x')
  renameSync(`${path}.new`, path)
  assert.notEqual(identityOf(path), before)
  rmSync(path)
  assert.notEqual(identityOf(path), before)
})
