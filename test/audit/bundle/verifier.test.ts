import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { verifierText } from '../../../src/audit/bundle/verifier.ts'
import { tempFolder } from '../../support/temp.ts'

test('the verifier is one file of JavaScript that imports only Node', () => {
  const text = verifierText()
  const imports = [...text.matchAll(/^import .* from '([^']+)'$/gm)].map(([, from]) => from)
  assert.ok(imports.length >= 4)
  assert.ok(
    imports.every((from) => from?.startsWith('node:')),
    imports.join(),
  )
  assert.equal(new Set(imports).size, imports.length)
  assert.doesNotMatch(text, /^(?:import|export) (?!\{.*\} from 'node:)/m)
  const file = join(tempFolder(), 'verify.mjs')
  writeFileSync(file, text)
  execFileSync(process.execPath, ['--check', file])
})
