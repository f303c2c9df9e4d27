import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { test } from 'node:test'
import type { Finding } from '../../../src/cli/doctor/check.ts'
import { checks } from '../../../src/cli/doctor/checks.ts'
import { checkConfig } from '../../../src/config/load.ts'
import { openStore } from '../../../src/store/open.ts'
import { tempFolder } from '../../support/temp.ts'

async function findingOf(name: string, cwd: string, env: Record<string, string> = {}): Promise<Finding> {
  const io = { stdin: Readable.from([]), stdout: new PassThrough(), stderr: new PassThrough(), env, cwd }
  const configuration = checkConfig({ env, cwd })
  const check = checks.find((one) => one.name === name)
  if (check?.needs === 'nothing') return check.run({ configuration, io })
  if (check === undefined || 'problems' in configuration) return assert.fail('nothing to check')
  return check.run({ config: configuration.config, io })
}

test('checks have names of their own', () => {
  assert.equal(new Set(checks.map(({ name }) => name)).size, checks.length)
})

for (const name of checks.map((check) => check.name).filter((one) => one !== 'doors')) {
  test(`${name} is well in an empty folder`, async () => {
    assert.equal((await findingOf(name, tempFolder('doctor'), { SALLYPORT_LIMITS_CONNECTIONS: '1' })).status, 'ok')
  })
}

test('a configuration that is not valid is a failure that names the first problem', async () => {
  const finding = await findingOf('configuration', tempFolder('doctor'), { SALLYPORT_LOG_LEVL: 'x', SALLYPORT_X: 'y' })
  assert.equal(finding.status, 'fail')
  assert.match(finding.message, /SALLYPORT_LOG_LEVL: names no setting .*, and 1 more$/)
})

test('a setting that is not yet in force is a warning', async () => {
  const env = { SALLYPORT_GATEWAY_CACHE_ENABLED: 'true' }
  const finding = await findingOf('configuration', tempFolder('doctor'), env)
  assert.equal(finding.status, 'warn')
  assert.match(finding.message, /gateway\.cache\.enabled/)
})

test('a data folder that others may read is a warning', { skip: process.platform === 'win32' }, async () => {
  const cwd = tempFolder('doctor')
  mkdirSync(join(cwd, 'data'))
  chmodSync(join(cwd, 'data'), 0o755)
  const finding = await findingOf('data folder', cwd)
  assert.deepEqual([finding.status, finding.hint], ['warn', `chmod 700 ${join(cwd, 'data')}`])
})

test('a file in the place of the data folder is a failure', async () => {
  const cwd = tempFolder('doctor')
  writeFileSync(join(cwd, 'data'), '', { mode: 0o700 })
  assert.equal((await findingOf('data folder', cwd)).status, 'fail')
})

test('fewer open files than connections need is a warning', { skip: process.platform !== 'linux' }, async () => {
  const finding = await findingOf('open files', tempFolder('doctor'), { SALLYPORT_LIMITS_CONNECTIONS: '2000000000' })
  assert.equal(finding.status, 'warn')
})

test('policies that are valid are well, broken ones a failure with their place', async () => {
  const cwd = tempFolder('doctor')
  mkdirSync(join(cwd, 'policies'))
  writeFileSync(join(cwd, 'policies', '10.yaml'), 'mode: enforce\n')
  assert.equal((await findingOf('policies', cwd)).status, 'ok')
  writeFileSync(join(cwd, 'policies', '20.yaml'), 'mod: enforce\n')
  const finding = await findingOf('policies', cwd)
  assert.equal(finding.status, 'fail')
  assert.match(finding.message, /20\.yaml:1:1: unknown key mod/)
})

test('a ledger that opens is well, a file that is none a failure', async () => {
  const cwd = tempFolder('doctor')
  const dir = join(cwd, 'data')
  openStore({ dir, durability: 'relaxed' }).close()
  assert.deepEqual(await findingOf('ledger', cwd), { status: 'ok', message: `${join(dir, 'sallyport.db')} is sound` })
  writeFileSync(join(dir, 'sallyport.db'), 'x'.repeat(10_000))
  await assert.rejects(findingOf('ledger', cwd), { code: 'ledger_corrupt' })
})
