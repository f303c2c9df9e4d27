import assert from 'node:assert/strict'
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import {
  bodyFileOf,
  bodyFilesIn,
  bodyFolders,
  isBodyPath,
  removeBodyFile,
} from '../../../src/audit/bodies/body-files.ts'
import { spillName } from '../../../src/audit/bodies/spill-file.ts'
import { uuidv7 } from '../../../src/core/ids.ts'
import { tempFolder } from '../../support/temp.ts'

const id = uuidv7(Date.UTC(2026, 10, 21))

test('folders of days come oldest first; links and other folders are not entered', () => {
  const dir = tempFolder('bodies')
  assert.deepEqual(bodyFolders(dir), [])
  for (const folder of ['2026/11/21', '2026/02/03', '2025/12/31', '2026/11/x', 'other/11/21'])
    mkdirSync(join(dir, 'bodies', folder), { recursive: true })
  symlinkSync('/', join(dir, 'bodies/2024'))
  assert.deepEqual(bodyFolders(dir), ['bodies/2025/12/31', 'bodies/2026/02/03', 'bodies/2026/11/21'])
})

test('body files are told by their names', () => {
  assert.deepEqual(bodyFileOf(`${id}.request`), { id, side: 'request', unfinished: false })
  assert.deepEqual(bodyFileOf(`${id}.response.tmp`), { id, side: 'response', unfinished: true })
  for (const name of [`${id}`, `${id}.request.bak`, 'notes.txt', `x${id}.request`])
    assert.equal(bodyFileOf(name), undefined)
})

test('no name that a row may give leads out of the folder', () => {
  const dir = tempFolder('bodies')
  const outside = join(dir, `${id}.request`)
  writeFileSync(outside, 'x')
  for (const name of [`bodies/2026/11/../${id}.request`, `${id}.request`, `/bodies/2026/11/21/${id}.request`, '../x']) {
    assert.equal(isBodyPath(name), false)
    assert.equal(removeBodyFile(dir, name), 0)
  }
  assert.ok(existsSync(outside))
  assert.ok(isBodyPath(spillName(id, 'request')))
})

test('a body file is removed, and told what it took on the disk; one that is gone was none', () => {
  const dir = tempFolder('bodies')
  const name = spillName(id, 'request')
  mkdirSync(join(dir, 'bodies/2026/11/21'), { recursive: true })
  writeFileSync(join(dir, name), 'content')
  assert.deepEqual(bodyFilesIn(dir, 'bodies/2026/11/21'), [`${id}.request`])
  assert.equal(removeBodyFile(dir, name), 4_096)
  assert.equal(removeBodyFile(dir, name), 0)
  assert.deepEqual(bodyFilesIn(dir, 'bodies/2026/11/22'), [])
})
