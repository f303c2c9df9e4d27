import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { loadPacks, packsFolder, ruleBook } from '../../src/detect/index.ts'
import { hooks } from '../../src/inspect/hooks/index.ts'
import { compilePolicies } from '../../src/policy/compile.ts'
import type { PolicySet } from '../../src/policy/compile.ts'
import { compileRules } from '../../src/policy/rules.ts'
import { facts, problemsOf, readAll, setOf, sources } from './fixture.ts'

const cases: readonly [what: string, rule: string, problem: string][] = [
  ['a hook that is none', 'hook: word, action: flag', '0.yaml:2:24: there is no hook word (did you mean words?)'],
  [
    'a hook unlike any',
    'hook: zzz, action: flag',
    '0.yaml:2:24: there is no hook zzz (hooks: words, says, elsewhere, textless, fails)',
  ],
  [
    'an unknown option',
    'hook: words, action: flag, options: { wrods: [a] }',
    '0.yaml:2:56: unknown key wrods (did you mean words?)',
  ],
  [
    'a wrong option',
    'hook: words, action: flag, options: { words: a }',
    '0.yaml:2:63: words must be a list, not a string',
  ],
  [
    'options that are no mapping',
    'hook: words, action: flag, options: 3',
    '0.yaml:2:54: this must be a mapping, not a number (keys: words, file)',
  ],
  ['a missing option', 'hook: says', '0.yaml:2:5: verdict is missing (expected allow, flag, redact or block)'],
  [
    'a stage the hook has not',
    'hook: says, on: response, options: { verdict: block }',
    '0.yaml:2:34: the hook says does not run on response (it runs on request)',
  ],
  [
    'both stages where it has one',
    'hook: says, on: both, options: { verdict: block }',
    '0.yaml:2:34: the hook says does not run on both (it runs on request)',
  ],
  [
    'a detector without an action',
    'hook: words',
    '0.yaml:2:5: rules[0].action is missing (expected allow, flag, tokenize, redact or block)',
  ],
  [
    'a type that nothing finds',
    'hook: words, action: { KEYWROD: block, default: allow }',
    '0.yaml:2:39: there is no type KEYWROD (did you mean KEYWORD?)',
  ],
  [
    'a network that is none',
    'hook: words, action: flag, when: { client: [10.0.0.300] }',
    '0.yaml:2:51: not an address or network: 10.0.0.300',
  ],
  [
    'a file that is not there',
    'hook: words, action: flag, options: { file: none.txt }',
    '0.yaml:2:54: words: the file none.txt cannot be read: ENOENT',
  ],
]
for (const [what, rule, problem] of cases) {
  test(`${what} is a problem with its place`, async () => {
    assert.deepEqual(await problemsOf(`rules:\n  - { name: one, ${rule} }`), [problem])
  })
}

test('all rules are looked at, not only the first that is wrong', async () => {
  const found = await problemsOf(
    'rules:\n  - { name: a, hook: nix }\n  - { name: b, hook: nope }',
    'rules: [{ name: a, hook: words, action: flag }]',
  )
  assert.equal(found.length, 3)
  assert.match(found[2] ?? '', /^1\.yaml:1:17: the rule a is already there \(in .*0\.yaml\)$/)
})

test('a rule is bound with what it says, and defaults that fail closed', async () => {
  const { rules } = await setOf(
    [
      'rules:',
      '  - { name: plain, hook: words, action: redact }',
      '  - { name: typed, hook: words, on: response, action: { "KEYWORD:list": block, default: flag }, onError: allow, timeoutMs: 50 }',
      '  - { name: judge, hook: says, options: { verdict: flag } }',
    ].join('\n'),
  )
  const bound = rules.map(({ binding: { name, on, action, onError, timeoutMs } }) => [
    name,
    on,
    action.default,
    [...action.byType],
    onError,
    timeoutMs,
  ])
  assert.deepEqual(bound, [
    ['plain', 'both', 'redact', [], 'block', 5000],
    ['typed', 'response', 'flag', [['KEYWORD:list', 'block']], 'allow', 50],
    ['judge', 'request', 'block', [], 'block', 5000],
  ])
})

test('a list in a file is read beside the policy, and is part of what was used', async () => {
  const [file] = await readAll('rules: [{ name: a, hook: words, action: flag, options: { file: words.txt } }]')
  assert.ok(file !== undefined)
  const list = join(dirname(file.path), 'words.txt')
  writeFileSync(list, 'falcon\n')
  const { rules, used, problems } = compileRules([file], sources)
  assert.deepEqual(problems, [])
  assert.deepEqual(used, [{ path: list, content: 'falcon\n' }])
  const hook = rules[0]?.binding.hook
  assert.ok(hook?.kind === 'detector')
  assert.equal(hook.rules.find('the falcon flies').length, 1)
})

test('rules that ask the same of a detector share it, judges are each their own', async () => {
  const rule = (name: string, hook: string): string => `  - { name: ${name}, hook: ${hook}, action: flag }`
  const texts = [
    rule('a', 'words, options: { words: [x] }'),
    rule('b', 'words, options: { words: [x] }'),
    rule('c', 'words, options: { words: [y] }'),
    rule('d', 'fails'),
    rule('e', 'fails'),
  ]
  const { rules } = await setOf(`rules:\n${texts.join('\n')}`)
  const [a, b, c, d, e] = rules.map(({ binding }) => binding.hook)
  assert.equal(a, b)
  assert.notEqual(a, c)
  assert.notEqual(d, e)
})

const book = ruleBook(loadPacks([packsFolder()]))

/** With the real hooks and packs. */
async function bound(rule: string): Promise<PolicySet | string> {
  const set = compilePolicies(await readAll(`rules:\n  - { name: r, ${rule} }`), { ...sources, hooks, book })
  return 'problems' in set ? set.problems.map(({ message }) => message).join() : set
}

const gate = 'hook: ip-access, options: { deny: [10.0.0.0/8] }'
const stages: [what: string, rule: string, at: string[]][] = [
  ['without on', gate, ['tunnel', 'request']],
  ['without on, and a condition that a tunnel hides', `${gate}, when: { model: "gpt-*" }`, ['request']],
  ['on connections', `on: connection, ${gate}`, ['connection', 'tunnel']],
  ['on requests', `on: request, ${gate}`, ['request']],
  ['of a hook that does not ask tunnels', 'hook: rate-limit, options: { max: 1 }', ['request']],
]

for (const [what, rule, at] of stages) {
  test(`a rule ${what} is asked at ${at.join(' and ')}`, async () => {
    const set = await bound(rule)
    assert.ok(typeof set !== 'string')
    const asked = (['connection', 'tunnel', 'request', 'response'] as const).filter(
      (stage) => set.bindingsFor(facts, stage).length > 0,
    )
    assert.deepEqual(asked, at)
    for (const { on } of set.bindingsFor(facts, 'tunnel')) assert.equal(on, 'connection')
  })
}

const refused: [rule: string, problem: RegExp][] = [
  [`on: connection, ${gate}, when: { provider: openai }`, /provider is not known when a connection begins/],
  ['on: connection, hook: secrets, action: block', /the hook secrets does not run on connection/],
  [
    'on: connection, hook: data-residency, options: { allow: [EU], types: [EMAIL] }, action: block',
    /data-residency looks for texts, and a connection has none/,
  ],
  ['hook: rate-limit, options: { max: 1 }, action: redact', /what rate-limit finds is in no text/],
  ['hook: quality, action: { default: flag, x: tokenize }', /what quality finds is in no text/],
]

for (const [rule, problem] of refused) {
  test(`refused: ${rule}`, async () => {
    assert.match(String(await bound(rule)), problem)
  })
}
