import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { openPolicies } from '../../src/app/policies.ts'
import { defaultPolicyFile } from '../../src/policy/default.ts'
import { configIn } from '../support/app.ts'

const deaf = (): void => undefined

test('a folder without policies gets the default one, and it inspects the catalogue', async () => {
  const config = configIn()
  const policies = await openPolicies(config, deaf, deaf)
  policies.close()
  assert.deepEqual(readdirSync(config.policies.dir), ['10-default.yaml'])
  assert.equal(
    readFileSync(join(config.policies.dir, '10-default.yaml'), 'utf8'),
    readFileSync(defaultPolicyFile, 'utf8'),
  )
  assert.ok(policies.current().inspectedHosts.includes('api.openai.com'))
  assert.equal(policies.problem(), undefined)
})

test('a folder with a policy of its own is left as it is', async () => {
  const config = configIn()
  mkdirSync(config.policies.dir)
  writeFileSync(join(config.policies.dir, 'mine.yaml'), 'mode: observe\n')
  const policies = await openPolicies(config, deaf, deaf)
  policies.close()
  assert.deepEqual(readdirSync(config.policies.dir), ['mine.yaml'])
})

test('a broken policy refuses the start; later ones are told and leave the old set in force', async () => {
  const config = configIn()
  mkdirSync(config.policies.dir)
  const file = join(config.policies.dir, 'mine.yaml')
  writeFileSync(file, 'mod: observe\n')
  await assert.rejects(openPolicies(config, deaf, deaf), { code: 'policy_invalid' })
  writeFileSync(file, 'mode: observe\n')
  const told: string[] = []
  const policies = await openPolicies(
    config,
    (set) => told.push(set.digest),
    (error) => told.push(error.code),
  )
  try {
    const first = policies.current().digest
    writeFileSync(file, 'mod: enforce\n')
    await policies.reload()
    assert.deepEqual(told, ['policy_invalid'])
    assert.equal(policies.current().digest, first)
    assert.equal(policies.problem()?.code, 'policy_invalid')
    writeFileSync(file, 'mode: enforce\n')
    await policies.reload()
    assert.deepEqual(told, ['policy_invalid', policies.current().digest])
    assert.notEqual(policies.current().digest, first)
    assert.equal(policies.problem(), undefined)
  } finally {
    policies.close()
  }
})
