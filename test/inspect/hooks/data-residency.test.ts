import assert from 'node:assert/strict'
import test from 'node:test'
import { dataResidency } from '../../../src/inspect/hooks/data-residency.ts'
import { inspectParts } from '../../../src/inspect/pipeline.ts'
import { ask, env } from '../../support/hooks.ts'
import { bound, facts, newVault, textPart } from '../../support/inspection.ts'

const eu = 'bedrock-runtime.eu-central-1.amazonaws.com'
const cases: [options: object, host: string | null, allowed: boolean][] = [
  [{ allow: ['EU'] }, eu, true],
  [{ allow: ['eu'] }, eu, true],
  [{ allow: ['EU'] }, 'bedrock-runtime.us-east-1.amazonaws.com', false],
  [{ allow: ['EU', 'US'] }, 'bedrock-runtime.us-east-1.amazonaws.com', true],
  [{ allow: ['EU'] }, 'api.openai.com', false],
  [{ allow: ['EU'], unknown: 'allow' }, 'api.openai.com', true],
  [{ allow: ['EU'], unknown: 'allow' }, 'bedrock-runtime.us-east-1.amazonaws.com', false],
  [{ allow: ['EU'], regions: { 'api.openai.com': 'EU' } }, 'api.openai.com', true],
  [{ allow: ['EU'], regions: { '*.amazonaws.com': 'US' } }, eu, false],
  [{ allow: ['EU'] }, null, false],
]

for (const [options, host, allowed] of cases) {
  test(`${JSON.stringify(options)} ${allowed ? 'allows' : 'forbids'} ${host}`, async () => {
    const { findings } = await ask(dataResidency.create(options, env), { facts: { host } })
    assert.deepEqual(
      findings.map(({ type }) => type),
      allowed ? [] : ['DATA_RESIDENCY'],
    )
  })
}

test('with types, only what is of them must stay, and only where it would leave', async () => {
  const made = dataResidency.create({ allow: ['EU'], types: ['EMAIL'] }, env)
  const sent = async (host: string, text: string) => {
    const input = { stage: 'request', parts: [textPart(text)], bodyBytes: 9, facts: { ...facts, host } } as const
    const signal = new AbortController().signal
    const how = { mode: 'enforce', vault: newVault(), now: () => 0n, signal } as const
    const inspection = await inspectParts([bound(made, 'redact')], input, how)
    return [inspection.decision, inspection.findings.map(({ type }) => type)]
  }
  assert.deepEqual(await sent('api.openai.com', 'ask ann@corp.example.com'), ['redact', ['EMAIL']])
  assert.deepEqual(await sent('api.openai.com', 'ask nobody, zk_9f27c1e40b86d53a'), ['allow', []])
  assert.deepEqual(await sent(eu, 'ask ann@corp.example.com'), ['allow', []])
})

test('a type that no pack has, and regions that are none, are errors', () => {
  assert.throws(() => dataResidency.create({ allow: ['EU'], types: ['E-MAIL'] }, env), { code: 'policy_invalid' })
  for (const options of [{}, { allow: [] }, { allow: ['E U'] }, { allow: ['EU'], regions: { x: '' } }]) {
    assert.equal(dataResidency.options.safeParse(options).success, false)
  }
})
