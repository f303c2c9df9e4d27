import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { formatProblem } from '../../src/lib/yaml-strict.ts'
import { isPolicyFile, policyFilesIn, readPolicyFile } from '../../src/policy/files.ts'
import { folderOf } from './fixture.ts'

test('policy files are read in name order; packs, hidden files and what editors leave are not', async () => {
  const folder = folderOf({
    '20-b.yaml': '',
    '10-a.yml': '',
    'packs/p.yaml': '',
    '.hidden.yaml': '',
    'a.yaml~': '',
    'x.txt': '',
  })
  assert.deepEqual(await policyFilesIn(folder), [join(folder, '10-a.yml'), join(folder, '20-b.yaml')])
  await assert.rejects(policyFilesIn(join(folder, 'none')), { code: 'ENOENT' })
  assert.ok(!isPolicyFile('10.yaml.swp'))
})

test('a file that cannot be read, or is wrong, is a problem that names it', async () => {
  const folder = folderOf({ 'a.yaml': 'mode: enforce\nrules:\n  - nmae: x\n    hook: pii\n' })
  const gone = await readPolicyFile(join(folder, 'b.yaml'))
  assert.ok('problems' in gone)
  assert.deepEqual(gone.problems.map(formatProblem), [`${join(folder, 'b.yaml')}:1:1: cannot be read: ENOENT`])
  const wrong = await readPolicyFile(join(folder, 'a.yaml'))
  assert.ok('problems' in wrong)
  assert.ok(
    wrong.problems
      .map(formatProblem)
      .includes(`${join(folder, 'a.yaml')}:3:5: unknown key nmae in rules[0] (did you mean name?)`),
  )
})
