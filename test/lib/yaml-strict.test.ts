import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { z } from 'zod'
import { formatProblem, parseYaml, problemAt, readYaml, validateYaml } from '../../src/lib/yaml-strict.ts'

const Action = z.enum(['block', 'allow'])
const Schema = z.strictObject({
  mode: z.enum(['enforce', 'observe']).default('enforce'),
  hosts: z.array(z.string()).optional(),
  count: z.int().positive().optional(),
  listen: z.union([z.string(), z.array(z.string())]).optional(),
  sizes: z.record(z.string(), z.strictObject({ bytes: z.number().max(10) })).optional(),
  rules: z
    .array(
      z.strictObject({ name: z.string().min(1), action: z.union([Action, z.record(z.string(), Action)]).optional() }),
    )
    .optional(),
  sink: z
    .discriminatedUnion('type', [
      z.strictObject({ type: z.literal('file'), path: z.string() }),
      z.strictObject({ type: z.literal('syslog'), address: z.string() }),
    ])
    .optional(),
})

const said = (text: string): string[] => {
  const parsed = parseYaml(text, 'f.yaml', Schema)
  return 'problems' in parsed ? parsed.problems.map(formatProblem) : []
}

const cases: readonly [text: string, ...problems: string[]][] = [
  ['mdoe: x', 'f.yaml:1:1: unknown key mdoe (did you mean mode?)'],
  ['mode: observe\nho: []', 'f.yaml:2:1: unknown key ho (known keys: mode, hosts, count, listen, sizes, rules, sink)'],
  ['hos: []', 'f.yaml:1:1: unknown key hos (did you mean hosts?)'],
  [
    'rules:\n  - nmae: a',
    'f.yaml:2:5: unknown key nmae in rules[0] (did you mean name?)',
    'f.yaml:2:5: rules[0].name is missing (expected a string)',
  ],
  ['sizes: { a: { byte: 1, bytes: 2 } }', 'f.yaml:1:15: unknown key byte in sizes.a (did you mean bytes?)'],
  ['sizes: { a: { bytes: 11 } }', 'f.yaml:1:22: sizes.a.bytes must be at most 10'],
  ['mode: enforc', 'f.yaml:1:7: mode must be enforce or observe (did you mean enforce?)'],
  ['mode: 3', 'f.yaml:1:7: mode must be enforce or observe'],
  ['hosts: x', 'f.yaml:1:8: hosts must be a list, not a string'],
  ['hosts:\n  - a\n  - 1', 'f.yaml:3:5: hosts[1] must be a string, not a number'],
  ['count: -1', 'f.yaml:1:8: count must be more than 0'],
  ['count: 1.5', 'f.yaml:1:8: count must be a whole number'],
  ['listen: 3', 'f.yaml:1:9: listen must be a string or a list'],
  ['rules: [{ name: "" }]', 'f.yaml:1:17: rules[0].name must not be empty'],
  [
    'rules: [{ name: a, action: blok }]',
    'f.yaml:1:28: rules[0].action must be block, allow or a mapping (did you mean block?)',
  ],
  [
    'rules: [{ name: a, action: { X: blok } }]',
    'f.yaml:1:33: rules[0].action.X must be block or allow (did you mean block?)',
  ],
  [
    'sink: { type: file, adress: x }',
    'f.yaml:1:21: unknown key adress in sink (did you mean address?)',
    'f.yaml:1:7: sink.path is missing (expected a string)',
  ],
  ['[1, 2]', 'f.yaml:1:1: this must be a mapping, not a list (keys: mode, hosts, count, listen, sizes, rules, sink)'],
  ['mode: observe\nmode: enforce', 'f.yaml:2:1: this key is already there'],
  ['hosts: [*.example.com]', 'f.yaml:1:9: an alias that names no anchor (a value that begins with * must be quoted)'],
  ['mode: @x', 'f.yaml:1:7: plain value cannot start with reserved character @ (put the value in quotes)'],
  ['mode: !secret x', 'f.yaml:1:7: this tag is not allowed'],
  ['mode: !!binary aaaa', 'f.yaml:1:7: this tag is not allowed'],
  ['__proto__: { a: 1 }', 'f.yaml:1:1: the key __proto__ is not allowed'],
  ['? [a]\n: b', 'f.yaml:1:3: a key must be plain text'],
  ['a: 1\n---\nb: 2', 'f.yaml:2:1: only one document is allowed in a file'],
  ['mode: enforce\n\tcount: 1', 'f.yaml:2:1: tabs are not allowed as indentation (indent with spaces)'],
]

for (const [text, ...problems] of cases) {
  test(`what is wrong is said with its place: ${JSON.stringify(text)}`, () => {
    // Both orders are fine: what counts is that each problem is there.
    assert.deepEqual(said(text).sort(), [...problems].sort())
  })
}

test('a valid document gives its value, defaults put in, and the places of its entries', () => {
  const parsed = parseYaml('hosts:\n  - a\n  - b\nsizes:\n  x: { bytes: 3 }\n', 'f.yaml', Schema)
  assert.ok(!('problems' in parsed))
  assert.deepEqual(parsed.value, { mode: 'enforce', hosts: ['a', 'b'], sizes: { x: { bytes: 3 } } })
  assert.deepEqual(parsed.positionOf(['hosts', 1]), { line: 3, column: 5 })
  assert.deepEqual(parsed.positionOf(['sizes', 'x', 'bytes']), { line: 5, column: 15 })
  assert.deepEqual(parsed.document.keyPositionOf(['sizes', 'x']), { line: 5, column: 3 })
  assert.equal(parsed.positionOf(['nowhere', 3]), undefined)
})

test('an empty file, and one of comments only, is an empty mapping', () => {
  for (const text of ['', '# nothing\n', '---\n', '~']) {
    const parsed = parseYaml(text, 'f.yaml', Schema)
    assert.ok(!('problems' in parsed), text)
    assert.deepEqual(parsed.value, { mode: 'enforce' })
  }
})

test('many aliases, deep nesting and large files are refused', () => {
  const bomb = ['a: &a [x, x]']
  for (let i = 1; i < 12; i++)
    bomb.push(`a${i}: &a${i} [${Array.from({ length: 9 }, () => `*a${i === 1 ? '' : i - 1}`).join(', ')}]`)
  assert.match(said(bomb.join('\n')).join(), /too many aliases/)
  assert.match(said('['.repeat(20_000)).join(), /nested too deeply/)
  assert.match(said(`mode: "${'x'.repeat(4_200_000)}"`).join(), /larger than/)
})

test('no message repeats a value, which may be a secret', () => {
  const secret = 'hunter2hunter2'
  const texts = [
    `count: ${secret}`,
    `mode: ${secret}`,
    `sink: { type: ${secret} }`,
    `hosts: ["${secret}" ${secret}]`,
    `hosts: [a]${secret}`,
    `mode: "\\q${secret}"`,
    `mode: "${secret}`,
    `rules: *${secret}`,
    `listen: { a: ${secret} }`,
  ]
  for (const text of texts) {
    const problems = said(text)
    assert.notEqual(problems.length, 0, text)
    assert.doesNotMatch(problems.join('\n'), new RegExp(secret), text)
  }
})

test('a part of a document is checked against a schema of its own, with places in the file', () => {
  const document = readYaml('rules:\n  - name: a\n    options: { mni: 3, max: x }\n', 'f.yaml')
  assert.ok(!('problems' in document))
  const options = z.strictObject({ min: z.number().optional(), max: z.number().optional() })
  const checked = validateYaml(document, options, { at: ['rules', 0, 'options'] })
  assert.ok('problems' in checked)
  assert.deepEqual(checked.problems.map(formatProblem).sort(), [
    'f.yaml:3:16: unknown key mni (did you mean min?)',
    'f.yaml:3:29: max must be a number, not a string',
  ])
  const own = problemAt(document, ['rules', 0, 'missing'], 'nothing here', 'look there')
  assert.equal(formatProblem(own), 'f.yaml:2:5: nothing here (look there)')
})

test('a value put in from elsewhere is checked with the places of the file', () => {
  const document = readYaml('count: "${N}"', 'f.yaml')
  assert.ok(!('problems' in document))
  const good = validateYaml(document, Schema, { value: { count: 3 } })
  assert.ok('value' in good)
  const bad = validateYaml(document, Schema, { value: { count: 'three' } })
  assert.ok('problems' in bad)
  assert.deepEqual(bad.problems.map(formatProblem), ['f.yaml:1:8: count must be a number, not a string'])
})

test('whatever the text, the answer is a value or problems with places in it', () => {
  const whole = 'mode: observe\nhosts: ["*", a]\nrules:\n  - { name: x, action: { A: block } }\nlisten: [a]\n'
  const check = (text: string): void => {
    const parsed = parseYaml(text, 'f.yaml', Schema)
    if (!('problems' in parsed)) return
    assert.notEqual(parsed.problems.length, 0)
    for (const problem of parsed.problems) assert.ok(problem.line >= 1 && problem.column >= 1)
  }
  for (let cut = 0; cut <= whole.length; cut++) check(whole.slice(0, cut))
  fc.assert(fc.property(fc.string({ unit: fc.constantFrom(...'a:{}[],-\n \t"\'*&!#?|>%@`') }), check), { numRuns: 300 })
})
