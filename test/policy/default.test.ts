import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { defaultPolicyFile, writeDefaultPolicy } from '../../src/policy/default.ts'
import { loadPolicies, packFoldersFor } from '../../src/policy/load.ts'
import { runPolicyTests } from '../../src/policy/test.ts'
import { connection, facts, folderOf } from './fixture.ts'

const dir = dirname(defaultPolicyFile)
const load = () =>
  loadPolicies({ dir, files: [defaultPolicyFile], packFolders: packFoldersFor(dir), catalogue: ['api.openai.com'] })

test('a folder without a policy file gets the default, one with a file keeps its own', async () => {
  const empty = join(folderOf({}), 'made', 'policies')
  assert.equal(await writeDefaultPolicy(empty), true)
  assert.equal(readFileSync(join(empty, '10-default.yaml'), 'utf8'), readFileSync(defaultPolicyFile, 'utf8'))
  assert.equal(await writeDefaultPolicy(empty), false)
  const own = folderOf({ 'mine.yml': 'mode: observe\n' })
  assert.equal(await writeDefaultPolicy(own), false)
  assert.deepEqual(readdirSync(own), ['mine.yml'])
})

test('a folder that cannot be made is told with what to do', async () => {
  const dir = join(folderOf({ file: '' }), 'file', 'policies')
  await assert.rejects(writeDefaultPolicy(dir), {
    code: 'config_invalid',
    message: `policies.dir: the default policy cannot be written to ${dir}: ENOTDIR`,
    hint: /10-default\.yaml/,
  })
})

test('the default policy passes its own tests', async () => {
  const results = await runPolicyTests(await load())
  assert.ok(results.length > 0)
  assert.deepEqual(
    results.flatMap(({ name, wrong }) => wrong.map((what) => `${name}: ${what}`)),
    [],
  )
})

test('the default policy inspects providers and relays the rest', async () => {
  const set = await load()
  assert.equal(set.intercept(connection).action, 'inspect')
  assert.equal(set.intercept({ ...connection, host: 'www.example.com' }).action, 'tunnel')
  assert.deepEqual(set.inspectedHosts, ['api.openai.com'])
  assert.notEqual(set.bindingsFor(facts, 'request').length, 0)
})

test(
  'the folder of policies can be written by nobody else, whatever the umask',
  { skip: process.platform === 'win32' },
  async () => {
    const script = `process.umask(0); const { writeDefaultPolicy } = await import(process.argv[1]); await writeDefaultPolicy(process.argv[2])`
    const made = join(folderOf({}), 'made')
    const module = new URL('../../src/policy/default.ts', import.meta.url).href
    execFileSync(process.execPath, ['--input-type=module', '-e', script, module, made], { stdio: 'ignore' })
    assert.equal(statSync(made).mode & 0o777, 0o755)
  },
)
