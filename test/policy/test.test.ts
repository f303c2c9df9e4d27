import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runPolicyTests } from '../../src/policy/test.ts'
import { setOf } from './fixture.ts'

const rules = `
mode: MODE
rules:
  - { name: masks, on: request, hook: words, options: { words: [falcon] }, action: redact }
  - { name: notes, on: both, hook: words, options: { words: [heron] }, action: flag }
  - { name: broken, on: request, hook: fails, when: { provider: broken }, onError: block }
  - { name: judged, on: request, hook: says, options: { verdict: block }, when: { provider: judged, host: ["*.judge.example"] } }
`
const results = async (tests: string, mode = 'enforce') =>
  runPolicyTests(await setOf(`${rules.replace('MODE', mode)}tests:\n${tests}`))

const cases: readonly [test: string, ...wrong: string[]][] = [
  ['request: { text: "a falcon" }, expect: { action: redact, findings: ["KEYWORD:list"] }'],
  ['request: { text: "a falcon" }, expect: { action: redact, text: "a *" }'],
  ['request: { text: "a falcon" }, expect: { action: redact, text: "a falcon" }', 'the text is not what was expected'],
  ['request: { text: "a falcon" }, expect: { action: block }', 'action is redact (masks), expected block'],
  ['request: { text: "a sparrow" }, expect: { action: allow, findings: [] }'],
  [
    'request: { text: "a sparrow" }, expect: { action: flag, findings: ["KEYWORD:list"] }',
    'action is allow (no rule), expected flag',
    'not found: KEYWORD:list',
  ],
  ['request: { text: "a heron" }, expect: { action: flag, findings: [] }', 'found: KEYWORD:list, expected nothing'],
  ['response: { text: "a falcon" }, expect: { action: allow }'],
  ['response: { text: "a heron" }, expect: { action: flag }'],
  [
    'request: { text: x, provider: broken }, expect: { action: allow }',
    'action is block (fails failed), expected allow',
  ],
  ['request: { text: x, provider: judged }, expect: { action: block }'],
]
for (const [text, ...wrong] of cases) {
  test(`${text} ${wrong.length === 0 ? 'passes' : 'fails and says why'}`, async () => {
    const [result] = await results(`  - { name: one, ${text} }`)
    assert.deepEqual(result?.wrong, wrong)
    assert.equal(result?.passed, wrong.length === 0)
    assert.equal(result?.line, 9)
  })
}

test('rules are tested as enforced also while the mode is observe', async () => {
  const [result] = await results('  - { name: one, request: { text: falcon }, expect: { action: redact } }', 'observe')
  assert.equal(result?.passed, true)
})
