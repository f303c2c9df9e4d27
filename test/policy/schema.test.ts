import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatProblem, parseYaml } from '../../src/lib/yaml-strict.ts'
import { PolicyFile } from '../../src/policy/schema.ts'

const whole = `
mode: enforce
intercept:
  - { hosts: [catalogue], action: inspect }
  - { hosts: ["*.bank.example"], action: tunnel, reason: staff privacy }
  - { hosts: ["*"], action: tunnel, onRejectedLeaf: tunnel, principal: [a], client: [10.0.0.0/8] }
  - { hosts: [a.example], action: inspect, attestation: { accept: true, minVersion: "1.4", policies: [any], reinspect: 0.02 } }
mismatch: deny
oversize: block
unreadable: block
opaque: { pdf: block, default: allow }
notTls: deny
unnamed: tunnel
hiddenName: tunnel
onRejectedLeaf: refuse
holdbackChars: 512
holdbackMs: 250
rules:
  - name: keys never leave
    on: request
    when: { provider: [openai, anthropic], model: ["gpt-*"], host: [], path: [], principal: [], client: [], door: [] }
    hook: secrets
    options: { packs: [all], minConfidence: 0.8 }
    action: tokenize
    onError: block
    timeoutMs: 100
  - name: card numbers
    hook: pii
    on: both
    options: { types: [CREDIT_CARD, IBAN, US_SSN] }
    action: { CREDIT_CARD: redact, default: tokenize }
    onError: block
tests:
  - name: a key is replaced
    request: { provider: openai, model: x, host: x, path: /, text: "use it please" }
    expect: { action: tokenize, findings: ["SECRET:x"], text: "use * please" }
`

test('every key is taken', () => {
  const parsed = parseYaml(whole, 'f.yaml', PolicyFile)
  assert.ok(!('problems' in parsed), JSON.stringify(parsed))
  assert.equal(parsed.value.rules?.length, 2)
})

test('every key misspelt is a problem that names the right one', () => {
  for (const key of [
    'intercept',
    'onRejectedLeaf',
    'holdbackChars',
    'reason',
    'hosts',
    'options',
    'timeoutMs',
    'onError',
    'provider',
    'findings',
    'request',
    'expect',
    'principal',
    'mismatch',
    'attestation',
    'minVersion',
    'reinspect',
  ]) {
    const misspelt = `${key.slice(0, -2)}${key.at(-1)}${key.at(-2)}x`
    const parsed = parseYaml(whole.replace(new RegExp(`\\b${key}:`), `${misspelt}:`), 'f.yaml', PolicyFile)
    assert.ok('problems' in parsed, key)
    assert.match(
      parsed.problems.map(formatProblem).join('\n'),
      new RegExp(`unknown key ${misspelt}.*did you mean ${key}\\?`),
    )
  }
})

const wrong: readonly [text: string, problem: string][] = [
  ['mode: enforced', 'f.yaml:1:7: mode must be enforce or observe (did you mean enforce?)'],
  ['notTls: allow', 'f.yaml:1:9: notTls must be deny or tunnel'],
  ['unnamed: inspect', 'f.yaml:1:10: unnamed must be deny or tunnel'],
  ['hiddenName: allow', 'f.yaml:1:13: hiddenName must be deny or tunnel'],
  ['intercept: [{ hosts: [], action: inspect }]', 'f.yaml:1:22: intercept[0].hosts must not be empty'],
  [
    'rules: [{ name: a, hook: pii, action: { X: block } }]',
    'f.yaml:1:39: rules[0].action.default is missing (expected allow, flag, tokenize, redact or block)',
  ],
  [
    'rules: [{ name: a, hook: pii, action: drop }]',
    'f.yaml:1:39: rules[0].action must be allow, flag, tokenize, redact, block or a mapping',
  ],
  [
    'rules: [{ name: a, hook: pii, when: { door: front } }]',
    'f.yaml:1:45: rules[0].when.door must be proxy, gateway or a list',
  ],
  ['tests: [{ name: a, expect: { action: allow } }]', 'f.yaml:1:9: tests[0]: one of request and response is needed'],
  [
    'intercept: [{ hosts: [a], action: inspect, attestation: { policies: [a b] } }]',
    'f.yaml:1:70: intercept[0].attestation.policies[0]: must be the digest of a policy set, or any',
  ],
  [
    'intercept: [{ hosts: [a], action: inspect, attestation: { minVersion: v1 } }]',
    'f.yaml:1:71: intercept[0].attestation.minVersion: must be a version such as 1.4',
  ],
  ['holdbackChars: -1', 'f.yaml:1:16: holdbackChars must be at least 0'],
]
for (const [text, problem] of wrong) {
  test(`${text} is refused`, () => {
    const parsed = parseYaml(text, 'f.yaml', PolicyFile)
    assert.deepEqual('problems' in parsed ? parsed.problems.map(formatProblem) : [], [problem])
  })
}
