import assert from 'node:assert/strict'
import { test } from 'node:test'
import { unvouchedHosts } from '../../src/cli/policy-constraints.ts'
import { createAuthority } from '../../src/tls/ca.ts'
import { setOf } from '../policy/fixture.ts'
import { tempFolder } from '../support/temp.ts'

const authority = async (permitted: readonly string[] | 'any'): Promise<string> => {
  const dir = tempFolder('ca')
  await createAuthority({ dir, passphrase: null, now: Date.now(), name: 'test', permitted })
  return dir
}
const catalogue = ['api.openai.com', '*.azure.example']

const cases: readonly [policy: string, permitted: readonly string[] | 'any', problems: readonly string[]][] = [
  ['', catalogue, []],
  ['', 'any', []],
  ['', ['api.openai.com'], ['1: the CA may not vouch for *.azure.example']],
  ['intercept: [{ hosts: [a.example], action: inspect }]', catalogue, ['1: the CA may not vouch for a.example']],
  ['intercept: [{ hosts: [a.example], action: tunnel }]', catalogue, []],
  ['\nintercept: [{ hosts: ["*"], action: inspect }]', catalogue, ['2: the CA may not vouch for *']],
  ['intercept: [{ hosts: ["*"], action: inspect }]', 'any', []],
  ['intercept: [{ hosts: ["*"], action: deny }, { hosts: [a.example], action: inspect }]', catalogue, []],
  [
    'intercept: [{ hosts: [a.x, b.x, c.x, d.x, e.x], action: inspect }]',
    catalogue,
    ['1: the CA may not vouch for a.x, b.x, c.x and 2 more'],
  ],
]
for (const [policy, permitted, expected] of cases) {
  test(`under ${policy.trim() || 'the default'}, a CA for ${permitted} leaves ${expected.length} problems`, async () => {
    const problems = await unvouchedHosts(await setOf(policy), await authority(permitted))
    assert.deepEqual(
      problems.map(({ line, message }) => `${line}: ${message}`),
      expected,
    )
  })
}

test('without a CA there is nothing to say', async () => {
  assert.deepEqual(
    await unvouchedHosts(await setOf('intercept: [{ hosts: ["*"], action: inspect }]'), tempFolder('none')),
    [],
  )
})
