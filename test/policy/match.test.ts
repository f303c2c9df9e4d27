import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Steps } from '../../src/lib/steps.ts'
import { inspectingEntries, prepareDetectors, unreachedEntries } from '../../src/policy/match.ts'
import { bound, detector, judge, keyRule } from '../support/inspection.ts'
import { connection, facts, setOf } from './fixture.ts'

const handled: readonly [policy: string, host: string, action: string][] = [
  ['', 'api.openai.com', 'inspect'],
  ['', 'eu.azure.example', 'inspect'],
  ['', 'azure.example', 'tunnel'],
  ['', 'elsewhere.example', 'tunnel'],
  ['', 'API.OPENAI.COM.', 'inspect'],
  ['intercept: [{ hosts: ["*.openai.com"], action: deny }]', 'api.openai.com', 'deny'],
  [
    'intercept: [{ hosts: [catalogue], action: tunnel }, { hosts: ["*"], action: inspect }]',
    'api.openai.com',
    'tunnel',
  ],
  ['intercept: [{ hosts: [catalogue], action: tunnel }, { hosts: ["*"], action: inspect }]', 'x.example', 'inspect'],
  ['intercept: [{ hosts: ["192.168.0.0/16"], action: inspect }]', '192.168.3.4', 'inspect'],
  ['intercept: [{ hosts: ["*"], action: deny, client: ["10.0.0.0/8"] }]', 'api.openai.com', 'inspect'],
]
for (const [policy, host, action] of handled) {
  test(`${host} is handled by ${action} under ${policy || 'the default'}`, async () => {
    assert.equal((await setOf(policy)).intercept({ ...connection, host }).action, action)
  })
}

const inspected: readonly [policy: string, hosts: readonly string[] | 'any'][] = [
  ['', ['api.openai.com', '*.azure.example']],
  ['intercept: [{ hosts: ["*"], action: tunnel }]', []],
  ['intercept: [{ hosts: ["*"], action: inspect }]', 'any'],
  ['intercept: [{ hosts: ["*"], action: tunnel, client: ["10.0.0.0/8"] }]', ['api.openai.com', '*.azure.example']],
  [
    'intercept: [{ hosts: [x.example, api.openai.com], action: inspect }]',
    ['x.example', 'api.openai.com', '*.azure.example'],
  ],
  ['intercept: [{ hosts: ["10.0.0.0/8"], action: inspect }]', 'any'],
  ['intercept: [{ hosts: ["10.0.0.7"], action: inspect }, { hosts: ["*"], action: deny }]', ['10.0.0.7']],
  ['intercept: [{ hosts: ["*"], action: deny }, { hosts: ["*"], action: inspect }]', []],
]
for (const [policy, hosts] of inspected) {
  test(`the authority must vouch for ${JSON.stringify(hosts)} under ${policy || 'the default'}`, async () => {
    assert.deepEqual((await setOf(policy)).inspectedHosts, hosts)
  })
}

test('entries behind one that takes everything inspect nothing', async () => {
  const set = await setOf('intercept: [{ hosts: [a.example], action: inspect }, { hosts: ["*"], action: tunnel }]')
  assert.deepEqual(
    inspectingEntries(set.entries).map(({ patterns }) => patterns),
    [['a.example']],
  )
})

test('entries that nothing reaches are known, the default is not one of them', async () => {
  const first = 'intercept: [{ hosts: ["*"], action: tunnel, client: [10.0.0.1] }, { hosts: ["*"], action: tunnel }]'
  const set = await setOf(first, 'intercept: [{ hosts: [late.example], action: inspect }]')
  assert.deepEqual(
    unreachedEntries(set.entries).map(({ patterns }) => patterns),
    [['late.example']],
  )
  assert.deepEqual(unreachedEntries((await setOf('')).entries), [])
})

const rule = (name: string, more: string): string => `  - { name: ${name}, hook: words, action: flag, ${more} }`
const rules = [
  'rules:',
  rule('all', 'on: both'),
  rule('ask', 'on: request'),
  rule('answer', 'on: response'),
  rule('gpt', 'on: both, when: { model: "gpt-*" }'),
  rule('claude', 'on: both, when: { model: ["claude-*"], provider: [anthropic] }'),
].join('\n')

test('the rules that apply come in order, by stage and by condition', async () => {
  const set = await setOf(rules)
  const names = (about: object, stage: 'request' | 'response'): string[] =>
    set.bindingsFor({ ...facts, ...about }, stage).map(({ name }) => name)
  assert.deepEqual(names({}, 'request'), ['all', 'ask', 'gpt'])
  assert.deepEqual(names({}, 'response'), ['all', 'answer', 'gpt'])
  assert.deepEqual(names({ model: 'claude-x', provider: 'anthropic' }, 'request'), ['all', 'ask', 'claude'])
  assert.deepEqual(names({ model: 'o3' }, 'request'), ['all', 'ask'])
  // A model that cannot be read is no way round a rule.
  assert.deepEqual(names({ model: null }, 'request'), ['all', 'ask', 'gpt'])
})

test('the same rules are the same array, so that verdicts can be remembered by it', async () => {
  const set = await setOf(rules)
  const first = set.bindingsFor(facts, 'request')
  assert.equal(set.bindingsFor({ ...facts, path: '/other', model: 'gpt-x' }, 'request'), first)
  assert.notEqual(set.bindingsFor({ ...facts, model: 'o3' }, 'request'), first)
  const plain = await setOf(`rules:\n${rule('all', 'on: both')}`)
  assert.equal(plain.bindingsFor(facts, 'request'), plain.bindingsFor({ ...facts, model: 'o3' }, 'request'))
})

test('what looks for all rules of a stage together is made beforehand', () => {
  const made: (readonly string[])[] = []
  const shared = {
    readerFor: () => assert.fail('nothing to read'),
    *prepare(digests: readonly string[]): Steps<void> {
      made.push(digests)
      yield
    },
  }
  const on = (digest: string, stage: 'request' | 'response' | 'both') => ({
    binding: bound(detector({ ...keyRule, digest, shared }), 'flag', { on: stage }),
  })
  const judging = {
    binding: bound(
      judge(() => assert.fail('asked')),
      'flag',
    ),
  }
  const rules = [on('a', 'request'), on('b', 'both'), judging, on('c', 'response'), on('a', 'request')]
  assert.equal([...prepareDetectors({ rules })].length, 2)
  assert.deepEqual(made, [
    ['a', 'b'],
    ['b', 'c'],
  ])
})
