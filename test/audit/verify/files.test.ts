import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { spillName } from '../../../src/audit/bodies/spill-file.ts'
import { orphanFiles } from '../../../src/audit/verify/files.ts'
import { newExchangeId } from '../../../src/core/ids.ts'
import { tempFolder } from '../../support/temp.ts'

test('files of bodies that no row names are counted, but for those still being written', () => {
  const dir = tempFolder('files')
  const names = [1, 2, 3].map(() => spillName(newExchangeId(Date.now()), 'request'))
  mkdirSync(join(dir, names[0]!, '..'), { recursive: true })
  for (const name of [names[0]!, names[1]!, `${names[2]!}.tmp`, `${names[0]!}/../other`])
    writeFileSync(join(dir, name), '')
  assert.equal(
    orphanFiles(dir, (name) => name === names[0]),
    1,
  )
  assert.equal(
    orphanFiles(tempFolder('none'), () => false),
    0,
  )
})
